"""Sessions: the tasks of one, found by index."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the index."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
