"""What was asked for by a reading, when it was more than the demandes shown ([TRA-7])."""

from alembic import op
from sqlalchemy import Column, Text, text

revision = "0035_objet_lu"
down_revision = "0034_comptes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trace_lecture", Column("objet", Text, nullable=False, server_default=text("''")))
