"""Cache: how many tokens an answer from the cache spared, on its task."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column; no task so far was served from a cache."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
