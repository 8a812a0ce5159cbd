"""What a guichet holds in other territories than its own, without reading all that it holds."""

from alembic import op
from sqlalchemy import text

revision = "0015_detention"
down_revision = "0014_certificats"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("detention_guichet_ix", "detention")
    op.create_index("detention_guichet_ix", "detention", ["guichet", text("left(numero, 3)")])
