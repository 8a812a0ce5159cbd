"""The decisions of a time are found without reading all of them."""

from alembic import op

revision = "0024_decisions_par_date"
down_revision = "0023_disjoncteur"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("decision_decidee_ix", "decision", ["decidee_le"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("decision_decidee_ix", "decision")
