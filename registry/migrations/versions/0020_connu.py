"""What a decision knew of a demande beyond its document."""

from alembic import op
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020_connu"
down_revision = "0019_verdicts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", Column("connu", JSONB))


def downgrade() -> None:
    op.drop_column("decision", "connu")
