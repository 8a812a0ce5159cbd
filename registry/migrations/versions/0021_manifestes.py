"""The signed manifest of each day of each guichet."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

revision = "0021_manifestes"
down_revision = "0020_connu"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "manifeste",
        Column("guichet", Text, nullable=False),
        Column("jour", Date, nullable=False),
        Column("rang", Integer, nullable=False),
        Column("etabli_le", DateTime(timezone=True), nullable=False),
        Column("apres", BigInteger, nullable=False),
        Column("nombre", BigInteger, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        Column("lignes", LargeBinary, nullable=False),
        Column("poste_le", DateTime(timezone=True)),
        PrimaryKeyConstraint("guichet", "jour", name="manifeste_pk"),
        UniqueConstraint("guichet", "rang", name="manifeste_guichet_rang_uq"),
    )


def downgrade() -> None:
    op.drop_table("manifeste")
