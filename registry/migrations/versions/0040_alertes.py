"""Alerts: what is watched, what was found, what was told; the technical contact of a guichet."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040_alertes"
down_revision = "0039_oidc"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "contact_guichet",
        Column("guichet", Text, ForeignKey("guichet.code", name="contact_guichet_guichet_fk"), nullable=False),
        Column("technique", Text, nullable=False),
        Column("silence", Integer),
        PrimaryKeyConstraint("guichet", name="contact_guichet_pk"),
        CheckConstraint("silence >= 0", name="contact_guichet_silence_ck"),
    )
    op.create_table(
        "alerte",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("code", Text, nullable=False),
        Column("objet", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("constat", Text, nullable=False),
        Column("attendu", Text, nullable=False),
        Column("page", Text, nullable=False),
        Column("niveau", Integer, nullable=False),
        Column("au_partenaire", Boolean, nullable=False),
        Column("etat", Text, nullable=False),
        Column("vue_le", INSTANT, nullable=False),
        Column("derniere_le", INSTANT, nullable=False),
        Column("ouverte_le", INSTANT),
        Column("close_le", INSTANT),
        PrimaryKeyConstraint("id", name="alerte_pk"),
        CheckConstraint("etat IN ('naissante', 'ouverte', 'close')", name="alerte_etat_ck"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "alerte_en_cours_uq",
        "alerte",
        ["code", "objet"],
        unique=True,
        postgresql_where=text("etat <> 'close'"),
    )
    op.create_index("alerte_close_ix", "alerte", ["close_le"], postgresql_where=text("etat = 'close'"))
    op.create_table(
        "alerte_dite",
        Column("alerte", BigInteger, nullable=False),
        Column("destinataire", Text, nullable=False),
        Column("close", Boolean, nullable=False),
        Column("niveau", Integer, nullable=False),
        Column("dite_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("alerte", "destinataire", name="alerte_dite_pk"),
    )
    op.create_table(
        "alerte_courrier",
        Column("id", Uuid, nullable=False),
        Column("destinataire", Text, nullable=False),
        Column("sujet", Text, nullable=False),
        Column("texte", Text, nullable=False),
        Column("cree_le", INSTANT, nullable=False),
        Column("prochaine_le", INSTANT),
        Column("tentatives", Integer, nullable=False, server_default=text("0")),
        Column("envoye_le", INSTANT),
        Column("detail", Text, nullable=False, server_default=text("''")),
        PrimaryKeyConstraint("id", name="alerte_courrier_pk"),
    )
    op.create_index(
        "alerte_courrier_du_ix",
        "alerte_courrier",
        ["prochaine_le"],
        postgresql_where=text("prochaine_le IS NOT NULL"),
    )
    op.create_index("alerte_courrier_destinataire_ix", "alerte_courrier", ["destinataire", "cree_le"])
    op.create_table(
        "alerte_sourdine",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("du", INSTANT, nullable=False),
        Column("au", INSTANT, nullable=False),
        Column("code", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("motif", Text, nullable=False),
        Column("posee_par", Text, nullable=False),
        PrimaryKeyConstraint("id", name="alerte_sourdine_pk"),
    )
    op.create_table(
        "presence_guichet",
        Column("guichet", Text, nullable=False),
        Column("sens", Text, nullable=False),
        Column("jour", Date, nullable=False),
        Column("premiere_le", INSTANT, nullable=False),
        Column("derniere_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("guichet", "sens", "jour", name="presence_guichet_pk"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "processus",
        Column("id", Uuid, nullable=False),
        Column("machine", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("roles", ARRAY(Text), nullable=False),
        Column("pret", Boolean, nullable=False),
        Column("codes", ARRAY(Text), nullable=False),
        Column("depuis_le", INSTANT, nullable=False),
        Column("vu_le", INSTANT, nullable=False),
        Column("disque_libre", Float),
        Column("certificats", JSONB, nullable=False),
        PrimaryKeyConstraint("id", name="processus_pk"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "veille",
        Column("nom", Text, nullable=False),
        Column("commencee_le", INSTANT, nullable=False),
        Column("presences_le", INSTANT, nullable=False),
        Column("sequence", BigInteger, nullable=False, server_default=text("0")),
        Column("empreinte", LargeBinary, nullable=False),
        Column("en_faute", Boolean, nullable=False, server_default=text("false")),
        Column("verifie_le", INSTANT),
        Column("rupture", Text, nullable=False, server_default=text("''")),
        PrimaryKeyConstraint("nom", name="veille_pk"),
        postgresql_with={"fillfactor": "50"},
    )


def downgrade() -> None:
    for table in (
        *("veille", "processus", "presence_guichet", "alerte_sourdine", "alerte_courrier", "alerte_dite"),
        *("alerte", "contact_guichet"),
    ):
        op.drop_table(table)
