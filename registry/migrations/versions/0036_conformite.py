"""Reports of conformity deposited by guichets, and from when one is required of a guichet."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

revision = "0036_conformite"
down_revision = "0035_objet_lu"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rapport_conformite",
        Column("identifiant", Uuid, nullable=False),
        Column(
            "guichet", Text, ForeignKey("guichet.code", name="rapport_conformite_guichet_fk"), nullable=False
        ),
        Column("empreinte", Text, nullable=False),
        Column("signe", LargeBinary, nullable=False),
        Column("signataire", Text, nullable=False),
        Column("signataire_nom", Text, nullable=False),
        Column("confiance", Text, nullable=False),
        Column("version_interface", Text, nullable=False),
        Column("kit", Text, nullable=False),
        Column("emis_le", INSTANT, nullable=False),
        Column("expire_le", INSTANT, nullable=False),
        Column("canaux", ARRAY(Text), nullable=False),
        Column("constats", Text, nullable=False),
        Column("depose_par", Text, nullable=False),
        Column("depose_le", INSTANT, nullable=False),
        Column("contresigne_par", Text),
        Column("contresigne_le", INSTANT),
        Column("remplace_par", Uuid),
        Column("remplace_le", INSTANT),
        Column("revoque_par", Text),
        Column("revoque_le", INSTANT),
        Column("motif", Text, nullable=False, server_default=text("''")),
        PrimaryKeyConstraint("identifiant", name="rapport_conformite_pk"),
        UniqueConstraint("empreinte", name="rapport_conformite_empreinte_uq"),
        CheckConstraint("empreinte ~ '^[0-9a-f]{64}$'", name="rapport_conformite_empreinte_ck"),
    )
    op.create_index("rapport_conformite_guichet_ix", "rapport_conformite", ["guichet"])
    op.create_table(
        "exigence_rapport",
        Column("guichet", Text, ForeignKey("guichet.code", name="exigence_rapport_guichet_fk"), nullable=False),
        Column("a_partir_du", INSTANT),
        Column("posee_par", Text, nullable=False),
        Column("posee_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("guichet", name="exigence_rapport_pk"),
    )


def downgrade() -> None:
    op.drop_table("exigence_rapport")
    op.drop_table("rapport_conformite")
