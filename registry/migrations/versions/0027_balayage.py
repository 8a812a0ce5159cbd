"""The last day that a task has gone through."""

from alembic import op
from sqlalchemy import Column, Date, PrimaryKeyConstraint, Text

revision = "0027_balayage"
down_revision = "0026_rattrapages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tache_du_jour",
        Column("nom", Text, nullable=False),
        Column("jour", Date, nullable=False),
        PrimaryKeyConstraint("nom", name="tache_du_jour_pk"),
    )


def downgrade() -> None:
    op.drop_table("tache_du_jour")
