"""When each guichet last came for its distributions."""

from alembic import op
from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, Text

revision = "0011_passages"
down_revision = "0010_canaux"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passage",
        Column("guichet", Text, nullable=False),
        Column("vu_le", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("guichet", name="passage_pk"),
    )
