"""How the holder of an account is recognised: certification, secrets, certificates, brakes."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)

revision = "0034_comptes"
down_revision = "0033_partenaires"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)
_COLONNES = (
    ("certifie_le", INSTANT),
    ("certifie_par", Text),
    ("mot_de_passe", Text),
    ("totp", Text),
    ("totp_dernier", BigInteger),
    ("sujet_oidc", Text),
)


def upgrade() -> None:
    for nom, genre in _COLONNES:
        if nom == "certifie_par":
            op.add_column("compte", Column(nom, genre, nullable=False, server_default=text("''")))
        else:
            op.add_column("compte", Column(nom, genre))
    op.create_index("compte_sujet_oidc_uq", "compte", ["sujet_oidc"], unique=True)
    op.create_table(
        "compte_certificat",
        Column("empreinte", Text, nullable=False),
        Column("compte", Uuid, ForeignKey("compte.id", name="compte_certificat_compte_fk"), nullable=False),
        Column("sujet", Text, nullable=False),
        Column("valide_au", INSTANT, nullable=False),
        Column("pem", Text, nullable=False),
        Column("lie_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("empreinte", name="compte_certificat_pk"),
        CheckConstraint("empreinte ~ '^[0-9a-f]{64}$'", name="compte_certificat_empreinte_ck"),
    )
    op.create_index("compte_certificat_compte_ix", "compte_certificat", ["compte"])
    op.create_table(
        "code_secours",
        Column("compte", Uuid, ForeignKey("compte.id", name="code_secours_compte_fk"), nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("utilise_le", INSTANT),
        PrimaryKeyConstraint("compte", "empreinte", name="code_secours_pk"),
    )
    op.create_table(
        "invitation",
        Column("empreinte", LargeBinary, nullable=False),
        Column("compte", Uuid, ForeignKey("compte.id", name="invitation_compte_fk"), nullable=False),
        Column("totp", Text, nullable=False),
        Column("expire_le", INSTANT, nullable=False),
        Column("close_le", INSTANT),
        PrimaryKeyConstraint("empreinte", name="invitation_pk"),
    )
    op.create_index("invitation_compte_ix", "invitation", ["compte"])
    op.create_table(
        "appareil_connu",
        Column("empreinte", LargeBinary, nullable=False),
        Column("compte", Uuid, ForeignKey("compte.id", name="appareil_connu_compte_fk"), nullable=False),
        Column("vu_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("empreinte", name="appareil_connu_pk"),
    )
    op.create_table(
        "frein_connexion",
        Column("cle", Text, nullable=False),
        Column("echecs", Integer, nullable=False),
        Column("dernier_le", INSTANT, nullable=False),
        Column("attend_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("cle", name="frein_connexion_pk"),
    )


def downgrade() -> None:
    for table in ("frein_connexion", "appareil_connu", "invitation", "code_secours", "compte_certificat"):
        op.drop_table(table)
    op.drop_index("compte_sujet_oidc_uq", "compte")
    for nom, _ in _COLONNES:
        op.drop_column("compte", nom)
