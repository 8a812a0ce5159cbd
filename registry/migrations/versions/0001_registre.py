"""The registry: guichets, certificates, exchanges, journal, demandes.

A migration is history: it spells its tables out and never imports registry.tables, which will go on changing.
"""

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    Uuid,
    text,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "guichet",
        Column("code", Text, nullable=False),
        Column("nom", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("siren", Text, nullable=False),
        Column("territoires", ARRAY(Text), nullable=False),
        Column("perimetre", Text, nullable=False, server_default=text("''")),
        Column("communes", ARRAY(Text), nullable=False),
        Column("numerote", Boolean, nullable=False),
        Column("adresse_reception", Text, nullable=False),
        Column("cree_le", INSTANT, nullable=False),
        Column("ferme_le", INSTANT),
        PrimaryKeyConstraint("code", name="guichet_pk"),
        CheckConstraint("char_length(code) = 5", name="guichet_code_ck"),
    )
    op.create_table(
        "certificat",
        Column("empreinte", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("sujet", Text, nullable=False),
        Column("valide_du", INSTANT, nullable=False),
        Column("valide_au", INSTANT, nullable=False),
        Column("pem", Text, nullable=False),
        Column("enregistre_le", INSTANT, nullable=False),
        Column("retire_le", INSTANT),
        PrimaryKeyConstraint("empreinte", name="certificat_pk"),
        ForeignKeyConstraint(["guichet"], ["guichet.code"], name="certificat_guichet_fk"),
        CheckConstraint("empreinte ~ '^[0-9a-f]{64}$'", name="certificat_empreinte_ck"),
    )
    op.create_index("certificat_guichet_ix", "certificat", ["guichet"])
    op.create_table(
        "generation",
        Column("nom", Text, nullable=False),
        Column("valeur", BigInteger, nullable=False),
        PrimaryKeyConstraint("nom", name="generation_pk"),
    )
    op.create_table(
        "echange",
        Column("id", Uuid, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("certificat", Text, nullable=False),
        Column("canal", Text, nullable=False),
        Column("operation", Text, nullable=False),
        Column("recu_le", INSTANT, nullable=False),
        Column("taille", Integer, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("statut", Text, nullable=False),
        Column("code", Text),
        Column("numero", Text),
        Column("termine_le", INSTANT),
        PrimaryKeyConstraint("id", name="echange_pk"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "echange_brut",
        Column("echange", Uuid, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        PrimaryKeyConstraint("echange", name="echange_brut_pk"),
    )
    op.create_table(
        "journal",
        Column("sequence", BigInteger, nullable=False, autoincrement=False),
        Column("precedent", LargeBinary, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("instant", INSTANT, nullable=False),
        Column("nature", Text, nullable=False),
        Column("numero", Text),
        Column("version", Integer),
        Column("guichet", Text, nullable=False),
        Column("certificat", Text, nullable=False),
        Column("canal", Text, nullable=False),
        Column("echange", Uuid),
        Column("document", LargeBinary),
        Column("detail", Text, nullable=False, server_default=text("''")),
        PrimaryKeyConstraint("sequence", name="journal_pk"),
    )
    op.create_table(
        "chaine",
        Column("nom", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        PrimaryKeyConstraint("nom", name="chaine_pk"),
        postgresql_with={"fillfactor": "10"},
    )
    op.create_table(
        "compteur_numero",
        Column("territoire", Text, nullable=False),
        Column("mois", Text, nullable=False),
        Column("dernier", Integer, nullable=False),
        PrimaryKeyConstraint("territoire", "mois", name="compteur_numero_pk"),
        CheckConstraint("mois ~ '^[0-9]{4}$'", name="compteur_numero_mois_ck"),
        CheckConstraint("dernier BETWEEN 0 AND 999999", name="compteur_numero_dernier_ck"),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "demande",
        Column("numero", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("date_depot", Date, nullable=False),
        Column("recue_le", INSTANT, nullable=False),
        Column("etat", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("communes", ARRAY(Text), nullable=False),
        Column("types", ARRAY(Text), nullable=False),
        Column("doublon_force", Boolean, nullable=False),
        Column("sequence_journal", BigInteger, nullable=False),
        Column("maj_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("numero", name="demande_pk"),
        CheckConstraint("char_length(numero) = 18", name="demande_numero_ck"),
        postgresql_with={"fillfactor": "90"},
    )
    op.create_table(
        "demande_version",
        Column("numero", Text, nullable=False),
        Column("version", Integer, nullable=False, autoincrement=False),
        Column("sequence_journal", BigInteger, nullable=False),
        Column("nature", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("instant", INSTANT, nullable=False),
        Column("document", LargeBinary, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        PrimaryKeyConstraint("numero", "version", name="demande_version_pk"),
    )
    op.create_table(
        "detention",
        Column("numero", Text, nullable=False),
        Column("guichet", Text, nullable=False),
        Column("depuis_le", INSTANT, nullable=False),
        Column("motif", Text, nullable=False),
        PrimaryKeyConstraint("numero", "guichet", name="detention_pk"),
    )
    op.create_table(
        "identite",
        Column("numero", Text, nullable=False),
        Column("rang", SmallInteger, nullable=False, autoincrement=False),
        Column("cle", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("active", Boolean, nullable=False, server_default=text("true")),
        PrimaryKeyConstraint("numero", "rang", "cle", name="identite_pk"),
    )
    op.create_index("identite_cle_ix", "identite", ["territoire", "cle"], postgresql_where=text("active"))
    op.create_table(
        "rejeu",
        Column("guichet", Text, nullable=False),
        Column("operation", Text, nullable=False),
        Column("empreinte", LargeBinary, nullable=False),
        Column("numero", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("echange", Uuid, nullable=False),
        Column("repondu_le", INSTANT, nullable=False),
        Column("nom_fichier", Text, nullable=False),
        PrimaryKeyConstraint("guichet", "operation", "empreinte", name="rejeu_pk"),
    )

    # The head of the chain exists from the start, so that the first registration finds a row to lock.
    op.execute(r"INSERT INTO chaine VALUES ('registre', 0, decode(repeat('00', 32), 'hex'))")
    op.execute("INSERT INTO generation VALUES ('identites', 1), ('filtres', 1)")

    # Whoever writes to the database by hand meets this first; the chain of empreintes is the second line.
    op.execute("""
        CREATE FUNCTION refuse_journal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'le journal est en ajout seul' USING ERRCODE = 'restrict_violation';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER journal_ajout_seul BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_journal()
    """)


def downgrade() -> None:
    raise NotImplementedError("le registre ne se défait pas : restaurer une sauvegarde")
