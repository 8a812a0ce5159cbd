"""The weekly figures."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
)

revision = "0029_infocentre"
down_revision = "0028_brouillons"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "infocentre_arrete",
        Column("semaine", Text, nullable=False),
        Column("arrete_le", DateTime(timezone=True), nullable=False),
        Column("depuis_sequence", BigInteger, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        CheckConstraint("semaine ~ '^[0-9]{4}-W[0-9]{2}$'", name="infocentre_arrete_semaine_ck"),
        PrimaryKeyConstraint("semaine", name="infocentre_arrete_pk"),
    )
    op.create_table(
        "infocentre_ligne",
        Column("semaine", Text, nullable=False),
        Column("tableau", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("modalite", Text, nullable=False),
        Column("nombre", BigInteger, nullable=False),
        ForeignKeyConstraint(
            ["semaine"], ["infocentre_arrete.semaine"], name="infocentre_ligne_semaine_fk"
        ),
        PrimaryKeyConstraint("semaine", "tableau", "territoire", "modalite", name="infocentre_ligne_pk"),
    )


def downgrade() -> None:
    op.drop_table("infocentre_ligne")
    op.drop_table("infocentre_arrete")
