"""Families: find the children of a task."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the index."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
