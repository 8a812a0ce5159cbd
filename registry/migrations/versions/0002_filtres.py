"""The filters of the guichets, versioned."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "filtre",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("guichet", Text, nullable=False),
        Column("nom", Text, nullable=False),
        PrimaryKeyConstraint("id", name="filtre_pk"),
        ForeignKeyConstraint(["guichet"], ["guichet.code"], name="filtre_guichet_fk"),
        UniqueConstraint("guichet", "nom", name="filtre_guichet_nom_uq"),
    )
    op.create_table(
        "filtre_version",
        Column("filtre", BigInteger, nullable=False, autoincrement=False),
        Column("version", Integer, nullable=False, autoincrement=False),
        Column("conditions", JSONB),
        Column("effet_le", INSTANT, nullable=False),
        Column("cree_le", INSTANT, nullable=False),
        Column("generation", BigInteger, nullable=False),
        PrimaryKeyConstraint("filtre", "version", name="filtre_version_pk"),
        ForeignKeyConstraint(["filtre"], ["filtre.id"], name="filtre_version_filtre_fk"),
    )


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
