"""Routing: how a tenant's tasks are routed, why each went where it went, and what calls told lately."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; tasks so far have no explanation, and tenants the default routing."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
