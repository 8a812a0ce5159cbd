"""Decisions, distributions and attempts."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "decision",
        Column("numero", Text, nullable=False),
        Column("version", Integer, nullable=False, autoincrement=False),
        Column("evenement", BigInteger, nullable=False),
        Column("nature", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("auteur", Text, nullable=False),
        Column("decidee_le", INSTANT, nullable=False),
        Column("generation_filtres", BigInteger, nullable=False),
        Column("generation_perimetres", BigInteger, nullable=False),
        Column("destinataires", Integer, nullable=False),
        PrimaryKeyConstraint("numero", "version", name="decision_pk"),
    )
    op.create_table(
        "perimetre",
        Column("guichet", Text, nullable=False),
        Column("generation", BigInteger, nullable=False, autoincrement=False),
        Column("nom", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("territoires", ARRAY(Text), nullable=False),
        Column("communes", ARRAY(Text), nullable=False),
        Column("actif", Boolean, nullable=False),
        PrimaryKeyConstraint("guichet", "generation", name="perimetre_pk"),
    )
    op.create_index("perimetre_generation_ix", "perimetre", ["generation"])
    op.create_table(
        "compteur_distribution",
        Column("guichet", Text, nullable=False),
        Column("dernier", BigInteger, nullable=False),
        PrimaryKeyConstraint("guichet", name="compteur_distribution_pk"),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "distribution",
        Column("id", Uuid, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("numero", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("nature", Text, nullable=False),
        Column("raison", Text, nullable=False),
        Column("filtre", BigInteger),
        Column("filtre_version", Integer),
        Column("cree_le", INSTANT, nullable=False),
        Column("etat", Text, nullable=False, server_default=text("'en_attente'")),
        Column("prochaine_tentative", INSTANT, nullable=False),
        Column("tentatives", Integer, nullable=False, server_default=text("0")),
        Column("tentatives_oubliees", Integer, nullable=False, server_default=text("0")),
        Column("termine_le", INSTANT),
        PrimaryKeyConstraint("id", name="distribution_pk"),
        CheckConstraint("etat IN ('en_attente', 'acquittee', 'echec')", name="distribution_etat_ck"),
        UniqueConstraint("guichet", "sequence", name="distribution_guichet_sequence_uq"),
        UniqueConstraint("numero", "guichet", "version", name="distribution_numero_guichet_version_uq"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "distribution_attente_ix",
        "distribution",
        ["guichet", "sequence"],
        postgresql_where=text("etat = 'en_attente'"),
    )
    op.create_table(
        "tentative",
        Column("distribution", Uuid, nullable=False),
        Column("rang", Integer, nullable=False, autoincrement=False),
        Column("commencee_le", INSTANT, nullable=False),
        Column("porteur", Integer, nullable=False),
        Column("terminee_le", INSTANT),
        Column("issue", Text),
        Column("detail", Text, nullable=False, server_default=text("''")),
        PrimaryKeyConstraint("distribution", "rang", name="tentative_pk"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "tentative_ouverte_ix", "tentative", ["porteur"], postgresql_where=text("terminee_le IS NULL")
    )
    op.create_table(
        "envoi_guichet",
        Column("guichet", Text, nullable=False),
        Column("echecs", Integer, nullable=False),
        Column("suspendu_jusqu_a", INSTANT),
        Column("maj_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("guichet", name="envoi_guichet_pk"),
    )


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
