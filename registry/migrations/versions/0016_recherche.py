"""A search reads neither all that a guichet holds, nor a long list of words that wait to be sorted."""

from alembic import op
from sqlalchemy import text

revision = "0016_recherche"
down_revision = "0015_courrier"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("detention_guichet_ix", "detention")
    op.create_index("detention_guichet_ix", "detention", ["guichet", text("left(numero, 3)")])
    op.execute("ALTER INDEX recherche_termes_ix SET (gin_pending_list_limit = 128)")
    # The planner knows nothing of left(numero, 3) until the table is analysed.
    op.execute("ANALYZE detention")
