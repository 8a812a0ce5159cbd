"""The indicators of quality of each guichet, by week."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, PrimaryKeyConstraint, Text

revision = "0032_qualite"
down_revision = "0031_simultanes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "infocentre_qualite",
        Column("semaine", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("indicateur", Text, nullable=False),
        Column("nombre", BigInteger, nullable=False),
        Column("base", BigInteger, nullable=False),
        ForeignKeyConstraint(
            ["semaine"], ["infocentre_arrete.semaine"], name="infocentre_qualite_semaine_fk"
        ),
        PrimaryKeyConstraint("semaine", "guichet", "indicateur", name="infocentre_qualite_pk"),
    )
    op.create_index("infocentre_qualite_guichet_ix", "infocentre_qualite", ["guichet", "semaine"])


def downgrade() -> None:
    op.drop_table("infocentre_qualite")
