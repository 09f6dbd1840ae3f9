"""Jobs: a provider's own asynchronous work that a task waits for."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
