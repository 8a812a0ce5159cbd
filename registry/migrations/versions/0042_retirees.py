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
    # It takes the place and the name of distribution_echec_ix at the end of 0043: dropping an index makes
    # readers wait until the end of the transaction, which is the same one.
    op.create_index(
        "distribution_echec_cause_ix",
        "distribution",
        ["guichet", "sequence"],
        postgresql_include=["cause", "termine_le"],
        postgresql_where=text("etat = 'echec'"),
    )


def downgrade() -> None:
    op.drop_index("distribution_echec_cause_ix", "distribution")
    op.drop_index("distribution_retiree_ix", "distribution")
