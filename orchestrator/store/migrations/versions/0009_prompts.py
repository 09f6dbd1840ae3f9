"""Prompts: leads that a tenant puts in place of the built-in ones."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table; without rows every tenant has the built-in leads."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
