"""What the attestation cites, doublons merged or set aside, and the search of doublons by birth date."""

from alembic import op
from sqlalchemy import Column, Date, DateTime, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text, text

revision = "0005_doublons"
down_revision = "0004_vie"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "coordonnees",
        Column("guichet", Text, nullable=False),
        Column("adresse", Text, nullable=False),
        Column("telephone", Text, nullable=False),
        Column("mel", Text, nullable=False),
        PrimaryKeyConstraint("guichet", name="coordonnees_pk"),
        ForeignKeyConstraint(["guichet"], ["guichet.code"], name="coordonnees_guichet_fk"),
    )
    op.create_table(
        "bailleur_commune",
        Column("commune", Text, nullable=False),
        Column("siren", Text, nullable=False),
        Column("nom", Text, nullable=False),
        PrimaryKeyConstraint("commune", "siren", name="bailleur_commune_pk"),
    )
    op.create_table(
        "commission_mediation",
        Column("departement", Text, nullable=False),
        Column("nom", Text, nullable=False),
        Column("adresse", Text, nullable=False),
        PrimaryKeyConstraint("departement", name="commission_mediation_pk"),
    )
    op.create_table(
        "delai_anormal",
        Column("territoire", Text, nullable=False),
        Column("zone", Text, nullable=False),
        Column("typologie", Text, nullable=False),
        Column("valide_du", Date, nullable=False),
        Column("mois", Integer, nullable=False),
        PrimaryKeyConstraint("territoire", "zone", "typologie", "valide_du", name="delai_anormal_pk"),
    )
    op.create_table(
        "fusion",
        Column("absorbee", Text, nullable=False),
        Column("conservee", Text, nullable=False),
        Column("date_anciennete", Date, nullable=False),
        Column("auteur", Text, nullable=False),
        Column("motif", Text, nullable=False),
        Column("fusionnee_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("absorbee", name="fusion_pk"),
    )
    op.create_index("fusion_conservee_ix", "fusion", ["conservee"])
    op.create_table(
        "doublon_ecarte",
        Column("premiere", Text, nullable=False),
        Column("seconde", Text, nullable=False),
        Column("auteur", Text, nullable=False),
        Column("motif", Text, nullable=False),
        Column("ecarte_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("premiere", "seconde", name="doublon_ecarte_pk"),
    )
    op.create_index(
        "identite_naissance_ix",
        "identite",
        ["territoire", text('"right"(cle, 10)')],
        postgresql_include=["cle", "numero", "role"],
        postgresql_where=text("active"),
    )


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
