"""Fees: what a provider costs a month, whatever is asked, stands in the ledger once a month."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Let the ledger hold entries of no call, one a provider and month."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
