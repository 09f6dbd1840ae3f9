"""What callers and checks say of providers: feedback, active health checks, experiments."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables; nothing has been said of any provider so far."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
