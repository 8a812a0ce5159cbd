"""Accounts of the console, their sessions, the log of their acts."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)

revision = "0030_console"
down_revision = "0029_infocentre"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "compte",
        Column("id", Uuid, nullable=False),
        Column("courriel", Text, nullable=False),
        Column("nom", Text, nullable=False),
        Column("profil", Text, nullable=False),
        Column("guichet", Text, ForeignKey("guichet.code", name="compte_guichet_fk")),
        Column("territoires", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("habilite", Boolean, nullable=False, server_default=text("false")),
        Column("cree_le", INSTANT, nullable=False),
        Column("cree_par", Text, nullable=False),
        Column("ferme_le", INSTANT),
        PrimaryKeyConstraint("id", name="compte_pk"),
        CheckConstraint("courriel = lower(courriel)", name="compte_courriel_ck"),
    )
    op.create_index("compte_courriel_uq", "compte", ["courriel"], unique=True)
    op.create_table(
        "session_console",
        Column("empreinte", LargeBinary, nullable=False),
        Column("compte", Uuid, ForeignKey("compte.id", name="session_console_compte_fk"), nullable=False),
        Column("ouverte_le", INSTANT, nullable=False),
        Column("vue_le", INSTANT, nullable=False),
        Column("expire_le", INSTANT, nullable=False),
        Column("moyen", Text, nullable=False),
        Column("adresse", Text, nullable=False),
        Column("navigateur", Text, nullable=False),
        Column("fermee_le", INSTANT),
        PrimaryKeyConstraint("empreinte", name="session_console_pk"),
    )
    op.create_index("session_console_compte_ix", "session_console", ["compte"])
    op.create_table(
        "acte_console",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("fait_le", INSTANT, nullable=False),
        Column("compte", Uuid, nullable=False),
        Column("acte", Text, nullable=False),
        Column("objet", Text, nullable=False),
        Column("echange", Uuid, nullable=False),
        Column("refus", Text, nullable=False),
        PrimaryKeyConstraint("id", name="acte_console_pk"),
    )
    op.create_index("acte_console_compte_ix", "acte_console", ["compte", "id"])


def downgrade() -> None:
    for table in ("acte_console", "session_console", "compte"):
        op.drop_table(table)
