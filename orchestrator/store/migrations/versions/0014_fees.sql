ALTER TABLE providers ADD COLUMN fee_since timestamptz;

CREATE INDEX providers_with_fee ON providers (fee_since) WHERE fee_since IS NOT NULL AND deleted_at IS NULL;

ALTER TABLE ledger ADD COLUMN provider text;
ALTER TABLE ledger ADD COLUMN month date;
ALTER TABLE ledger ALTER COLUMN task_id DROP NOT NULL;
ALTER TABLE ledger ALTER COLUMN call_id DROP NOT NULL;
ALTER TABLE ledger DROP CONSTRAINT ledger_kind_check;
ALTER TABLE ledger ADD CONSTRAINT ledger_kind_check CHECK (kind IN ('spend', 'correction', 'fee'));
ALTER TABLE ledger ADD CONSTRAINT ledger_fee_or_call CHECK (
    CASE WHEN kind = 'fee'
        THEN provider IS NOT NULL AND month IS NOT NULL AND call_id IS NULL AND task_id IS NULL
        ELSE call_id IS NOT NULL AND task_id IS NOT NULL AND provider IS NULL AND month IS NULL
    END
);

CREATE UNIQUE INDEX ledger_one_fee_a_month ON ledger (tenant_id, provider, month) WHERE kind = 'fee';
