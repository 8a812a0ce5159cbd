"""Certificates proposed by guichets, and trials of their reception endpoints."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)

revision = "0033_partenaires"
down_revision = "0032_qualite"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "proposition_certificat",
        Column("id", Uuid, nullable=False),
        Column(
            "guichet",
            Text,
            ForeignKey("guichet.code", name="proposition_certificat_guichet_fk"),
            nullable=False,
        ),
        Column("empreinte", Text, nullable=False),
        Column("sujet", Text, nullable=False),
        Column("valide_du", INSTANT, nullable=False),
        Column("valide_au", INSTANT, nullable=False),
        Column("pem", Text, nullable=False),
        Column("usages", ARRAY(Text)),
        Column("actif_du", INSTANT),
        Column("proposee_par", Text, nullable=False),
        Column("proposee_le", INSTANT, nullable=False),
        Column("decidee_le", INSTANT),
        Column("decidee_par", Text),
        Column("decision", Text),
        PrimaryKeyConstraint("id", name="proposition_certificat_pk"),
    )
    op.create_index(
        "proposition_certificat_attente_uq",
        "proposition_certificat",
        ["guichet", "empreinte"],
        unique=True,
        postgresql_where=text("decidee_le IS NULL"),
    )
    op.create_table(
        "essai_reception",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column(
            "guichet", Text, ForeignKey("guichet.code", name="essai_reception_guichet_fk"), nullable=False
        ),
        Column("adresse", Text, nullable=False),
        Column("fait_le", INSTANT, nullable=False),
        Column("fait_par", Text, nullable=False),
        Column("reussi", Boolean, nullable=False),
        Column("constats", Text, nullable=False),
        PrimaryKeyConstraint("id", name="essai_reception_pk"),
    )
    op.create_index("essai_reception_guichet_ix", "essai_reception", ["guichet", "id"])


def downgrade() -> None:
    op.drop_table("essai_reception")
    op.drop_table("proposition_certificat")
