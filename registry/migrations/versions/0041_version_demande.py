"""The version of the demande that a guichet reads, and that each distribution was made in ([SOA-44])."""

from alembic import op
from sqlalchemy import Column, Text, text

revision = "0041_version_demande"
down_revision = "0040_alertes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("guichet", Column("version_demande", Text, nullable=False, server_default=text("'02.01'")))
    # Null for all that was made before, as for all that is sent as it is registered: no row is written again.
    op.add_column("distribution", Column("interface", Text))
