"""The books: what makes them checkable, final where they must be, and never rewritten."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; no call so far is final, and none has told of cache writes."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
