"""The pièces of the dossier unique."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)

revision = "0009_pieces"
down_revision = "0008_partagee"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "piece",
        Column("id", Uuid, nullable=False),
        Column("numero", Text, nullable=False),
        Column("categorie", Text, nullable=False),
        Column("nom", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("taille", Integer, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("marque", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("depose_le", INSTANT, nullable=False),
        Column("sequence_journal", BigInteger, nullable=False),
        Column("supprimee_le", INSTANT),
        PrimaryKeyConstraint("id", name="piece_pk"),
    )
    op.create_index("piece_numero_ix", "piece", ["numero"])
    op.create_index(
        "piece_empreinte_uq",
        "piece",
        ["numero", "empreinte"],
        unique=True,
        postgresql_where=text("supprimee_le IS NULL"),
    )
    op.create_table(
        "piece_bloc",
        Column("piece", Uuid, nullable=False),
        Column("rang", Integer, nullable=False, autoincrement=False),
        Column("octets", LargeBinary, nullable=False),
        PrimaryKeyConstraint("piece", "rang", name="piece_bloc_pk"),
    )
    op.create_table(
        "piece_action",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("numero", Text, nullable=False),
        Column("piece", Uuid),
        Column("action", Text, nullable=False),
        Column("instant", INSTANT, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("certificat", Text, nullable=False),
        Column("utilisateur", Text, nullable=False),
        Column("profil", Text, nullable=False),
        Column("echange", Uuid, nullable=False),
        Column("detail", Text, nullable=False, server_default=text("''")),
        PrimaryKeyConstraint("id", name="piece_action_pk"),
    )
    op.create_index("piece_action_numero_ix", "piece_action", ["numero", "id"])
    op.create_table(
        "profil_certificat",
        Column("empreinte", Text, nullable=False),
        Column("profil", Text, nullable=False),
        Column("depuis_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("empreinte", name="profil_certificat_pk"),
    )


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
