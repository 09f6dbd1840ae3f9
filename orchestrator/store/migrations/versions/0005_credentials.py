"""Providers as a tenant's own configuration: sealed credentials, options, templates, checks of them."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables; every provider so far was set up by the environment."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
