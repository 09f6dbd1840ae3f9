"""Monthly fees in the ledger: one entry a tenant, provider (by name) and month, which an index sees to.

Months are those of UTC by the database's clock. A provider that is removed and made again under its name
within a month is still the same account: its fee is not booked twice.
"""

from orchestrator.store.statements import text

FEE_NANOS = "CAST(ceil(CAST({options} ->> 'monthly_fee_usd' AS numeric) * 1000000000) AS bigint)"

DUE = f"""
    SELECT p.tenant_id, p.name AS provider, CAST(each.month AS date) AS month,
        {FEE_NANOS.format(options="p.options")} AS nanos
    FROM providers AS p CROSS JOIN LATERAL generate_series(
        date_trunc('month', p.fee_since AT TIME ZONE 'UTC'),
        date_trunc('month', {{now}} AT TIME ZONE 'UTC'), interval '1 month'
    ) AS each (month)
    WHERE p.fee_since IS NOT NULL AND p.fee_since <= {{now}} AND p.deleted_at IS NULL
        AND p.options ->> 'monthly_fee_usd' IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM ledger WHERE ledger.tenant_id = p.tenant_id AND ledger.provider = p.name
                AND ledger.month = CAST(each.month AS date) AND ledger.kind = 'fee'
        )"""
"""Each month since a fee is declared, up to the one of `now`, that has no entry yet."""

BOOK_FEES = text(
    f"""
    INSERT INTO ledger (tenant_id, kind, amount_nanos, provider, month)
    SELECT tenant_id, 'fee', nanos, provider, month
    FROM ({DUE.format(now="coalesce(CAST(:at AS timestamptz), statement_timestamp())")}) AS due
    ORDER BY tenant_id, provider, month LIMIT :most
    ON CONFLICT (tenant_id, provider, month) WHERE kind = 'fee' DO NOTHING
    RETURNING tenant_id, provider, month, amount_nanos
    """
)
