"""What the authorities of partners say of their certificates: verdicts kept, responses of OCSP."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)

revision = "0019_verdicts"
down_revision = "0018_courriers"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("autorite_confiance", Column("ocsp_url", Text, nullable=False, server_default=text("''")))
    op.create_table(
        "verdict_certificat",
        Column("empreinte", Text, nullable=False),
        Column("motif", Text, nullable=False),
        Column("constat", Text, nullable=False),
        Column("attendu", Text, nullable=False),
        Column("depuis", INSTANT, nullable=False),
        Column("jusque", INSTANT, nullable=False),
        Column("generation", BigInteger, nullable=False),
        PrimaryKeyConstraint("empreinte", name="verdict_certificat_pk"),
        ForeignKeyConstraint(["empreinte"], ["certificat.empreinte"], name="verdict_certificat_empreinte_fk"),
    )
    op.create_table(
        "reponse_ocsp",
        Column("empreinte", Text, nullable=False),
        Column("reponse", LargeBinary, nullable=False),
        Column("publiee_le", INSTANT, nullable=False),
        Column("prochaine_le", INSTANT),
        Column("obtenue_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("empreinte", name="reponse_ocsp_pk"),
        ForeignKeyConstraint(["empreinte"], ["certificat.empreinte"], name="reponse_ocsp_empreinte_fk"),
    )
    op.execute("INSERT INTO generation VALUES ('confiance', 1)")
