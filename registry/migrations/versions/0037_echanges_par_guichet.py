"""The exchanges of a small guichet are found without reading those of the others."""

from alembic import op

revision = "0037_echanges_par_guichet"
down_revision = "0036_conformite"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("echange_guichet_ix", "echange", ["guichet", "id"])


def downgrade() -> None:
    op.drop_index("echange_guichet_ix", "echange")
