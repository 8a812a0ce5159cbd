"""Brouillons, and deposits of the portal."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    DateTime,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)

revision = "0013_depots"
down_revision = "0012_traces"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "depot",
        Column("id", Uuid, nullable=False),
        Column("etat", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("maj_le", INSTANT, nullable=False),
        Column("depose_le", INSTANT),
        Column("sequence_depot", BigInteger),
        Column("territoire", Text, nullable=False),
        Column("communes", ARRAY(Text), nullable=False),
        Column("document", LargeBinary),
        Column("mel", Text, nullable=False),
        Column("noms", ARRAY(Text), nullable=False),
        Column("prenom", Text, nullable=False),
        Column("naissance", Date),
        Column("numero", Text),
        Column("motif", Text),
        Column("commentaire", Text, nullable=False, server_default=text("''")),
        Column("issue_le", INSTANT),
        Column("issue_guichet", Text),
        Column("utilisateur", Text, nullable=False, server_default=text("''")),
        Column("avise_le", INSTANT),
        PrimaryKeyConstraint("id", name="depot_pk"),
    )
    op.create_index(
        "depot_attente_ix", "depot", ["territoire", "id"], postgresql_where=text("etat = 'attente'")
    )
    op.create_index(
        "depot_guichet_ix", "depot", ["guichet", "etat", "id"], postgresql_where=text("etat <> 'active'")
    )
    op.create_index("depot_numero_ix", "depot", ["numero"], postgresql_where=text("numero IS NOT NULL"))
    op.create_table(
        "depot_message",
        Column("echange", Uuid, nullable=False),
        Column("depot", Uuid, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("operation", Text, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("repondu_le", INSTANT, nullable=False),
        Column("nom_fichier", Text, nullable=False),
        PrimaryKeyConstraint("echange", name="depot_message_pk"),
    )
    op.create_index(
        "depot_message_empreinte_ix", "depot_message", ["guichet", "operation", "empreinte"]
    )
    op.create_index("depot_message_depot_ix", "depot_message", ["depot"])
    # What guichets corrected of the état civil of an applicant: few entries among all.
    op.create_index(
        "journal_etat_civil_ix",
        "journal",
        ["sequence"],
        postgresql_where=text("detail LIKE '%\"etat_civil\"%'"),
    )


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
