"""What was withdrawn is found without reading what was acknowledged, so that a guichet compares a year in a
moment; what failed is counted by cause without reading its rows."""

from alembic import op
from sqlalchemy import text

revision = "0042_retirees"
down_revision = "0041_version_demande"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "distribution_retiree_ix",
        "distribution",
        ["guichet", "sequence"],
        postgresql_where=text("etat = 'retiree'"),
    )
    op.drop_index("distribution_echec_ix", "distribution")
    op.create_index(
        "distribution_echec_ix",
        "distribution",
        ["guichet", "sequence"],
        postgresql_include=["cause", "termine_le"],
        postgresql_where=text("etat = 'echec'"),
    )


def downgrade() -> None:
    op.drop_index("distribution_echec_ix", "distribution")
    op.create_index(
        "distribution_echec_ix",
        "distribution",
        ["guichet", "sequence"],
        postgresql_where=text("etat = 'echec'"),
    )
    op.drop_index("distribution_retiree_ix", "distribution")
