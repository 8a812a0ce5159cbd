"""Drafts of filters."""

from alembic import op
from sqlalchemy import Column, DateTime, ForeignKey, PrimaryKeyConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028_brouillons"
down_revision = "0027_balayage"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "filtre_brouillon",
        Column("guichet", Text, ForeignKey("guichet.code", name="filtre_brouillon_guichet_fk")),
        Column("nom", Text),
        Column("conditions", JSONB, nullable=False),
        Column("maj_le", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("guichet", "nom", name="filtre_brouillon_pk"),
    )


def downgrade() -> None:
    op.drop_table("filtre_brouillon")
