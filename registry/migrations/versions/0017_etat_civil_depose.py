"""The état civil as deposited, when the guichet that validates corrects it."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0017_etat_civil_depose"
down_revision = "0016_recherche"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("depot", Column("nom_depose", Text))
    op.add_column("depot", Column("prenom_depose", Text))
