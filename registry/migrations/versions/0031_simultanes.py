"""How many sendings a guichet takes at once."""

from alembic import op
from sqlalchemy import Column, Integer

revision = "0031_simultanes"
down_revision = "0030_console"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("remise_guichet", Column("simultanes", Integer))
