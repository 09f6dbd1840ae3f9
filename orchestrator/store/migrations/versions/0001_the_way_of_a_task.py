"""The tables of the way of a task, from submit to settle, with their first partitions."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables; partitions of the coming months are made by `store.migrate` after it."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
