"""Budgets, their windows, and which windows each call is charged to."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables; no call so far is charged to any budget."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
