"""Signed mail: what came, what is to leave, the cut-offs."""

from alembic import op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

revision = "0015_courrier"
down_revision = "0014_certificats"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "courrier_entrant",
        Column("id", Uuid, nullable=False),
        Column("source", Text, nullable=False),
        Column("cle_source", Text),
        Column("expediteur", Text, nullable=False),
        Column("message_id", Text, nullable=False, server_default=text("''")),
        Column("recu_le", INSTANT, nullable=False),
        Column("taille", Integer, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("etat", Text, nullable=False, server_default=text("'recu'")),
        Column("prochaine_tentative", INSTANT, nullable=False),
        Column("tentatives", Integer, nullable=False, server_default=text("0")),
        Column("porteur", Integer),
        Column("nature", Text, nullable=False, server_default=text("''")),
        Column("guichet", Text),
        Column("certificat", Text),
        Column("contenu", LargeBinary),
        Column("doublon_de", Uuid),
        Column("fichiers", Integer, nullable=False, server_default=text("0")),
        Column("code", Text, nullable=False, server_default=text("''")),
        Column("motif", Text, nullable=False, server_default=text("''")),
        Column("termine_le", INSTANT),
        Column("range_le", INSTANT),
        UniqueConstraint("cle_source", name="courrier_entrant_cle_source_uq"),
        CheckConstraint("etat IN ('recu', 'traite', 'quarantaine')", name="courrier_entrant_etat_ck"),
        PrimaryKeyConstraint("id", name="courrier_entrant_pk"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("courrier_entrant_contenu_ix", "courrier_entrant", ["contenu"], postgresql_where=text("contenu IS NOT NULL"))
    op.create_index("courrier_entrant_quarantaine_ix", "courrier_entrant", ["id"], postgresql_where=text("etat = 'quarantaine'"))
    op.create_index("courrier_entrant_recu_ix", "courrier_entrant", ["prochaine_tentative"], postgresql_where=text("etat = 'recu'"))
    op.create_table(
        "courrier_brut",
        Column("courrier", Uuid, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        PrimaryKeyConstraint("courrier", name="courrier_brut_pk"),
    )
    op.create_table(
        "courrier_fichier",
        Column("courrier", Uuid, nullable=False),
        Column("rang", Integer, nullable=False, autoincrement=False),
        Column("nom", Text, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("operation", Text, nullable=False),
        Column("echange", Uuid, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("code", Text, nullable=False, server_default=text("''")),
        Column("numero", Text, nullable=False, server_default=text("''")),
        Column("reponse", LargeBinary),
        PrimaryKeyConstraint("courrier", "rang", name="courrier_fichier_pk"),
    )
    op.create_table(
        "courrier_sortant",
        Column("id", Uuid, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("nature", Text, nullable=False),
        Column("entrant", Uuid, nullable=False),
        Column("partie", Integer, nullable=False),
        Column("parties", Integer, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("etat", Text, nullable=False),
        Column("accuse_attendu", Boolean, nullable=False),
        Column("prochaine_tentative", INSTANT),
        Column("tentatives", Integer, nullable=False, server_default=text("0")),
        Column("echecs", Integer, nullable=False, server_default=text("0")),
        Column("departs", Integer, nullable=False, server_default=text("0")),
        Column("cree_le", INSTANT, nullable=False),
        Column("termine_le", INSTANT),
        Column("detail", Text, nullable=False, server_default=text("''")),
        CheckConstraint("etat IN ('a_envoyer', 'attend_accuse', 'envoye', 'acquitte', 'echec')", name="courrier_sortant_etat_ck"),
        UniqueConstraint("entrant", "partie", name="courrier_sortant_entrant_partie_uq"),
        PrimaryKeyConstraint("id", name="courrier_sortant_pk"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("courrier_sortant_du_ix", "courrier_sortant", ["prochaine_tentative"], postgresql_where=text("prochaine_tentative IS NOT NULL"))
    op.create_table(
        "courrier_contenu",
        Column("courrier", Uuid, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        PrimaryKeyConstraint("courrier", name="courrier_contenu_pk"),
    )
    op.create_table(
        "courrier_tentative",
        Column("courrier", Uuid, nullable=False),
        Column("rang", Integer, nullable=False, autoincrement=False),
        Column("commencee_le", INSTANT, nullable=False),
        Column("porteur", Integer, nullable=False),
        Column("terminee_le", INSTANT),
        Column("issue", Text),
        Column("detail", Text, nullable=False, server_default=text("''")),
        PrimaryKeyConstraint("courrier", "rang", name="courrier_tentative_pk"),
    )
    op.create_index("courrier_tentative_ouverte_ix", "courrier_tentative", ["porteur"], postgresql_where=text("terminee_le IS NULL"))
    op.create_table(
        "courrier_avis",
        Column("entrant", Uuid, nullable=False),
        Column("objet", Uuid, nullable=False),
        Column("action", Text, nullable=False),
        Column("statut", Text, nullable=False),
        Column("recu_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("entrant", name="courrier_avis_pk"),
    )
    op.create_index("courrier_avis_objet_ix", "courrier_avis", ["objet"])
    op.create_table(
        "fermeture_courrier",
        Column("guichet", Text, nullable=False),
        Column("ferme_le", INSTANT, nullable=False),
        Column("annoncee_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("guichet", name="fermeture_courrier_pk"),
    )


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
