"""Gates: what says "not now" of a provider, for all processes, with their history."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables; every gate starts out open to traffic."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
