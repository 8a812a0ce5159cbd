"""Uses and windows of certificates, what partners can read, authorities with their lists, notices of expiry."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)

revision = "0014_certificats"
down_revision = "0013_depots"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("guichet", Column("capacites", Text, nullable=False, server_default=text("'compatible'")))
    op.add_column("certificat", Column("usages", ARRAY(Text)))
    op.add_column("certificat", Column("actif_du", INSTANT))
    op.add_column("certificat", Column("revoque_le", INSTANT))
    op.create_table(
        "autorite_confiance",
        Column("empreinte", Text, nullable=False),
        Column("nom", Text, nullable=False),
        Column("pem", Text, nullable=False),
        Column("ancre", Boolean, nullable=False),
        Column("lcr_url", Text, nullable=False),
        Column("lcr", LargeBinary),
        Column("lcr_publiee_le", INSTANT),
        Column("lcr_prochaine_le", INSTANT),
        Column("lcr_obtenue_le", INSTANT),
        Column("lcr_erreur", Text, nullable=False, server_default=text("''")),
        Column("ajoutee_le", INSTANT, nullable=False),
        Column("retiree_le", INSTANT),
        PrimaryKeyConstraint("empreinte", name="autorite_confiance_pk"),
    )
    op.create_table(
        "avis_certificat",
        Column("empreinte", Text, nullable=False),
        Column("palier", Integer, nullable=False),
        # Null for a certificate of the hub itself.
        Column("guichet", Text),
        Column("sujet", Text, nullable=False),
        Column("valide_au", INSTANT, nullable=False),
        Column("cree_le", INSTANT, nullable=False),
        Column("envoye_le", INSTANT),
        PrimaryKeyConstraint("empreinte", "palier", name="avis_certificat_pk"),
        ForeignKeyConstraint(["guichet"], ["guichet.code"], name="avis_certificat_guichet_fk"),
    )
