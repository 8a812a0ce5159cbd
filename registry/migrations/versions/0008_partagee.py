"""The search of demandes and the events of shared management."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)

revision = "0008_partagee"
down_revision = "0007_rpls"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "recherche",
        Column("numero", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("depot", Date, nullable=False),
        Column("renouvellement", Date),
        Column("radiation", Date),
        Column("anormal_le", Date),
        Column("attributions", Integer, nullable=False, server_default=text("0")),
        Column("termes", ARRAY(Text), nullable=False),
        PrimaryKeyConstraint("numero", name="recherche_pk"),
    )
    op.create_index("recherche_termes_ix", "recherche", ["termes"], postgresql_using="gin")
    op.create_index("recherche_depot_ix", "recherche", ["territoire", "depot"])
    for colonne in ("renouvellement", "radiation", "anormal_le"):
        op.create_index(
            f"recherche_{colonne.removesuffix('_le')}_ix",
            "recherche",
            ["territoire", colonne],
            postgresql_where=text(f"{colonne} IS NOT NULL"),
        )
    op.create_index(
        "recherche_attributions_ix", "recherche", ["territoire"], postgresql_where=text("attributions > 1")
    )
    op.create_table(
        "evenement_partage",
        Column("id", BigInteger, nullable=False, autoincrement=False),
        Column("version", Integer, nullable=False, autoincrement=False),
        Column("numero", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("auteur", Text, nullable=False),
        Column("cree_le", INSTANT, nullable=False),
        Column("auteur_modification", Text),
        Column("modifie_le", INSTANT),
        Column("survenance", Date, nullable=False),
        Column("commentaire", Text, nullable=False),
        Column("champs", Text, nullable=False),
        Column("sequence_journal", BigInteger, nullable=False),
        Column("fichier", LargeBinary, nullable=False),
        Column("courante", Boolean, nullable=False),
        PrimaryKeyConstraint("id", "version", name="evenement_partage_pk"),
    )
    op.create_index("evenement_partage_numero_ix", "evenement_partage", ["numero"])
    op.create_table(
        "type_evenement",
        Column("territoire", Text, nullable=False),
        Column("code", Text, nullable=False),
        Column("definition", LargeBinary, nullable=False),
        Column("maj_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("territoire", "code", name="type_evenement_pk"),
    )
    op.create_index("detention_guichet_ix", "detention", ["guichet"])


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
