"""What was withdrawn is found without reading what was acknowledged: a guichet compares a year in a moment."""

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


def downgrade() -> None:
    op.drop_index("distribution_retiree_ix", "distribution")
