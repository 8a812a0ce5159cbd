"""The life of a demande: renewal, radiation, respite, origin; the notices produced."""

from alembic import op
from sqlalchemy import Column, Date, DateTime, PrimaryKeyConstraint, SmallInteger, Text

revision = "0004_vie"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("demande", Column("date_renouvellement", Date))
    op.add_column("demande", Column("date_radiation", Date))
    op.add_column("demande", Column("motif_radiation", Text))
    op.add_column("demande", Column("sursis", Date))
    op.add_column("demande", Column("numero_origine", Text))
    op.create_table(
        "preavis",
        Column("numero", Text, nullable=False),
        Column("echeance", Date, nullable=False),
        Column("rang", SmallInteger, nullable=False, autoincrement=False),
        Column("canal", Text, nullable=False),
        Column("produit_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("numero", "echeance", "rang", name="preavis_pk"),
    )


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
