"""The search of demandes."""

from alembic import op
from sqlalchemy import ARRAY, Column, Date, Integer, PrimaryKeyConstraint, Text, text

revision = "0008_partagee"
down_revision = "0006_dalo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recherche",
        Column("numero", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("depot", Date, nullable=False),
        Column("renouvellement", Date),
        Column("radiation", Date),
        Column("anormal_le", Date),
        Column("attributions", Integer, nullable=False, server_default=text("0")),
        Column("termes", ARRAY(Text), nullable=False),
        PrimaryKeyConstraint("numero", name="recherche_pk"),
    )
    op.create_index("recherche_termes_ix", "recherche", ["termes"], postgresql_using="gin")
    op.create_index("recherche_depot_ix", "recherche", ["territoire", "depot"])
    for colonne in ("renouvellement", "radiation", "anormal_le"):
        op.create_index(
            f"recherche_{colonne.removesuffix('_le')}_ix",
            "recherche",
            ["territoire", colonne],
            postgresql_where=text(f"{colonne} IS NOT NULL"),
        )
    op.create_index(
        "recherche_attributions_ix", "recherche", ["territoire"], postgresql_where=text("attributions > 1")
    )
    op.create_index("detention_guichet_ix", "detention", ["guichet"])


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
