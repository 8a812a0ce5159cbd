"""The mails that carried a demande are found when it is erased."""

from alembic import op

revision = "0018_courriers"
down_revision = "0017_etat_civil_depose"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("courrier_fichier_numero_ix", "courrier_fichier", ["numero"])
    op.create_index("courrier_fichier_echange_ix", "courrier_fichier", ["echange"])
