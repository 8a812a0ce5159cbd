"""The trace of the readings of nominative data."""

from alembic import op
from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Identity, PrimaryKeyConstraint, Text, Uuid

revision = "0012_traces"
down_revision = "0011_passages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trace_lecture",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("lue_le", DateTime(timezone=True), nullable=False),
        Column("guichet", Text, nullable=False),
        Column("certificat", Text, nullable=False),
        Column("profil", Text, nullable=False),
        Column("utilisateur", Text, nullable=False),
        Column("canal", Text, nullable=False),
        Column("operation", Text, nullable=False),
        Column("echange", Uuid),
        Column("numeros", ARRAY(Text), nullable=False),
        PrimaryKeyConstraint("id", name="trace_lecture_pk"),
    )
    op.create_index("trace_lecture_numeros_ix", "trace_lecture", ["numeros"], postgresql_using="gin")


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
