"""The directory of social dwellings."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, DateTime, Integer, PrimaryKeyConstraint, SmallInteger, Text

revision = "0007_rpls"
down_revision = "0006_dalo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = (
        "interne", "siren", "commune", "code_postal", "numero_voie", "voie", "complement", "batiment",
        "escalier", "etage", "appartement", "zus", "construction", "occupation", "contingent",
    )
    op.create_table(
        "logement_rpls",
        Column("numero", Text, nullable=False),
        *(Column(name, Text, nullable=False) for name in texts),
        Column("pieces", SmallInteger, nullable=False),
        Column("surface", Integer),
        Column("loyer", Integer),
        Column("annee", SmallInteger),
        Column("maj_le", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("numero", name="logement_rpls_pk"),
        CheckConstraint("char_length(numero) = 10", name="logement_rpls_numero_ck"),
    )
    op.create_index("logement_rpls_siren_ix", "logement_rpls", ["siren"])
