"""Quality: the score of each accepted result, on its task."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; results so far have no score."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
