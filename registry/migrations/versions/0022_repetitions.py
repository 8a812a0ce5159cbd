"""The rehearsals of rotations by real mails, and what each use proved."""

from alembic import op
from sqlalchemy import Boolean, Column, DateTime, PrimaryKeyConstraint, Text, Uuid, text

revision = "0022_repetitions"
down_revision = "0021_manifestes"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "courrier_repetition",
        Column("id", Uuid, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("signature", Text, nullable=False),
        Column("chiffrement", Text, nullable=False),
        Column("signature_guichet", Text, nullable=False),
        Column("chiffrement_guichet", Text, nullable=False),
        Column("cree_le", INSTANT, nullable=False),
        Column("limite", INSTANT, nullable=False),
        Column("retour", Uuid),
        PrimaryKeyConstraint("id", name="courrier_repetition_pk"),
    )
    op.create_index("courrier_repetition_guichet_ix", "courrier_repetition", ["guichet", "id"])
    op.create_index(
        "courrier_repetition_retour_ix",
        "courrier_repetition",
        ["retour"],
        postgresql_where=text("retour IS NOT NULL"),
    )
    op.create_table(
        "courrier_epreuve",
        Column("repetition", Uuid, nullable=False),
        Column("usage", Text, nullable=False),
        Column("reussie", Boolean, nullable=False),
        Column("detail", Text, nullable=False),
        Column("constatee_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("repetition", "usage", name="courrier_epreuve_pk"),
    )
