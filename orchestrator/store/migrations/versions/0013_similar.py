"""Similar: the entry that a call's answer may be kept as, and the vectors by which kept answers are found.

pgvector is taken where it is there and may be; without it nothing but finding answers by likeness is missing.
"""

from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add column and table; answers so far have no name, and can't be kept later."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
