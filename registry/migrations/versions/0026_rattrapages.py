"""The offer of the stock to a guichet; a version of a demande may be distributed twice to one guichet."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026_rattrapages"
down_revision = "0025_secours"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rattrapage",
        Column("id", BigInteger, Identity(always=True)),
        Column("guichet", Text, nullable=False),
        Column("etat", Text, nullable=False, server_default=text("'en_cours'")),
        Column("demande_le", INSTANT, nullable=False),
        Column("debit", Integer, nullable=False),
        Column("attente", Integer, nullable=False),
        Column("apres", Text, nullable=False, server_default=text("''")),
        Column("portee", Text, nullable=False, server_default=text("''")),
        Column("total", BigInteger, nullable=False),
        Column("examinees", BigInteger, nullable=False, server_default=text("0")),
        Column("offertes", BigInteger, nullable=False, server_default=text("0")),
        Column("prochain_le", INSTANT, nullable=False),
        Column("termine_le", INSTANT),
        PrimaryKeyConstraint("id", name="rattrapage_pk"),
        CheckConstraint(
            "etat IN ('en_cours', 'suspendu', 'termine', 'annule')", name=op.f("rattrapage_etat_ck")
        ),
    )
    op.create_index(
        "rattrapage_ouvert_uq",
        "rattrapage",
        ["guichet"],
        unique=True,
        postgresql_where=text("etat IN ('en_cours', 'suspendu')"),
    )
    op.create_table(
        "offre",
        Column("distribution", Uuid, autoincrement=False),
        Column("rattrapage", BigInteger),
        Column("generation_filtres", BigInteger, nullable=False),
        Column("generation_perimetres", BigInteger, nullable=False),
        Column("connu", JSONB),
        PrimaryKeyConstraint("distribution", name="offre_pk"),
    )
    op.create_index("distribution_numero_ix", "distribution", ["numero", "guichet", "sequence"])
    op.drop_constraint("distribution_numero_guichet_version_uq", "distribution")


def downgrade() -> None:
    op.create_unique_constraint(
        "distribution_numero_guichet_version_uq", "distribution", ["numero", "guichet", "version"]
    )
    op.drop_index("distribution_numero_ix", "distribution")
    op.drop_table("offre")
    op.drop_table("rattrapage")
