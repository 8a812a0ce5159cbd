"""The tables of the registry, and the MetaData that filters and dispatching add theirs to.

Conventions, for all tables of the project:

- Names in French, without accents, singular. Instants are ``timestamptz`` read back as aware UTC datetimes,
  and end in ``_le``; an ``empreinte`` is a SHA-256, 32 raw bytes (``bytea``), except that of a certificate,
  which people copy and compare: 64 lower-case hexadecimal characters.
- Codes are ``text`` with a length check, never ``char(n)``: a parameter bound as varchar or text[] makes
  PostgreSQL cast a char(n) column, and the index is then not used.
- No foreign key on the path of a registration: each one costs a row lock on the parent for every insert,
  and the same transaction writes both sides. Foreign keys stay where people, not messages, write.
- Few indexes: each index is paid for at every registration. Each one names the query that needs it.
- ``document`` columns keep the default EXTENDED storage, hence pglz (the embedded build has no lz4): 40 % of
  the disk and WAL, for 70 µs of the server per document (figures in docs/decisions/0017).

The chain of migrations (registry/migrations) builds exactly this: tests/registry/test_migrations.py.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

METADATA: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "ck": "%(table_name)s_%(constraint_name)s_ck",
    }
)

INSTANT: Final = DateTime(timezone=True)

# --- partners ---------------------------------------------------------------------------------------------

GUICHET: Final = Table(
    "guichet",
    METADATA,
    Column("code", Text, CheckConstraint("char_length(code) = 5", name="code"), primary_key=True),
    Column("nom", Text, nullable=False),
    # One of registry.guichets.TypeGuichet.
    Column("type", Text, nullable=False),
    # 9 digits, or empty.
    Column("siren", Text, nullable=False),
    Column("territoires", ARRAY(Text), nullable=False),
    # What the gestionnaire declared: INSEE code of the commune, or SIREN of the EPCI; empty for other types.
    Column("perimetre", Text, nullable=False, server_default=text("''")),
    # The communes that bound the reading right, resolved from `perimetre` when the guichet was written.
    Column("communes", ARRAY(Text), nullable=False),
    # True for a système particulier, which numbers its own demandes.
    Column("numerote", Boolean, nullable=False),
    # URL of the reception endpoint, or empty: nothing is pushed.
    Column("adresse_reception", Text, nullable=False),
    # Mail address that receives distributions, or empty.
    Column("adresse_courrier", Text, nullable=False, server_default=text("''")),
    # registry.guichets.CanalDistribution: how its distributions reach it.
    Column("canal", Text, nullable=False, server_default=text("'retrait'")),
    Column("cree_le", INSTANT, nullable=False),
    # Null while the guichet is open.
    Column("ferme_le", INSTANT),
    # Name of a capability profile of certs/algorithmes.toml: what it reads and writes of signed mails.
    Column("capacites", Text, nullable=False, server_default=text("'compatible'")),
    # The version of the demande that it reads (schemas.kinds.VERSIONS_DEMANDE).
    Column("version_demande", Text, nullable=False, server_default=text("'02.01'")),
)

CERTIFICAT: Final = Table(
    "certificat",
    METADATA,
    # SHA-256 of the DER, 64 lower-case hexadecimal characters. A certificate names one guichet for ever.
    Column(
        "empreinte",
        Text,
        CheckConstraint("empreinte ~ '^[0-9a-f]{64}$'", name="empreinte"),
        primary_key=True,
    ),
    Column("guichet", Text, ForeignKey("guichet.code"), nullable=False),
    Column("sujet", Text, nullable=False),
    Column("valide_du", INSTANT, nullable=False),
    Column("valide_au", INSTANT, nullable=False),
    Column("pem", Text, nullable=False),
    Column("enregistre_le", INSTANT, nullable=False),
    # Null while the certificate is trusted.
    Column("retire_le", INSTANT),
    # What it serves for (registry.usages_certificats.UsageCertificat); null: all that its key allows.
    Column("usages", ARRAY(Text)),
    # When it comes into use towards its guichet; null: since it was registered.
    Column("actif_du", INSTANT),
    # When its authority or its owner declared it revoked; it is then withdrawn too.
    Column("revoque_le", INSTANT),
    # The certificates of one guichet.
    Index("certificat_guichet_ix", "guichet"),
)

GENERATION: Final = Table(
    "generation",
    METADATA,
    # What is cached by the processes: "identites" (guichets and certificates), "filtres"…
    Column("nom", Text, primary_key=True),
    # Incremented by every transaction that changes it; a process whose copy is older reloads.
    Column("valeur", BigInteger, nullable=False),
)

# --- exchanges --------------------------------------------------------------------------------------------

ECHANGE: Final = Table(
    "echange",
    METADATA,
    # UUID version 7: grows with time, so the key is also the order of reception.
    Column("id", Uuid, primary_key=True),
    Column("guichet", Text, nullable=False),
    # Empreinte of the certificate that spoke.
    Column("certificat", Text, nullable=False),
    # One of registry.echanges.Canal.
    Column("canal", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("recu_le", INSTANT, nullable=False),
    # Size in bytes and SHA-256 of the raw bytes: they stay when the raw bytes are purged.
    Column("taille", Integer, nullable=False),
    Column("empreinte", LargeBinary, nullable=False),
    # One of registry.exchanges_store.Statut.
    Column("statut", Text, nullable=False),
    # Code of the first anomalie when there is one.
    Column("code", Text),
    Column("numero", Text),
    Column("termine_le", INSTANT),
    # Those of a guichet, the latest first. No column of it is ever updated: an outcome stays a HOT update.
    Index("echange_guichet_ix", "guichet", "id"),
    # The outcome is an update of the row: room is left in the page so that it stays in it (HOT update).
    postgresql_with={"fillfactor": "70"},
)

ECHANGE_RARE: Final = Table(
    "echange_rare",
    METADATA,
    # The exchanges that were refused or failed, one in thirty, so that they are found among millions. A
    # trigger of the database writes them. An index of `echange` on its outcome would do, at the price of
    # every outcome: its update would no longer be HOT (docs/decisions/0121).
    Column("statut", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("guichet", Text, nullable=False),
    Index("echange_rare_guichet_ix", "statut", "guichet", "id"),
)

ECHANGE_BRUT: Final = Table(
    "echange_brut",
    METADATA,
    Column("echange", Uuid, primary_key=True),
    # The raw bytes as received, deflated (registry/exchanges_store.py): apart, because they hold nominative
    # data and are purged before the rest.
    Column("octets", LargeBinary, nullable=False),
)

# --- journal ----------------------------------------------------------------------------------------------

JOURNAL: Final = Table(
    "journal",
    METADATA,
    # 1, 2, 3… without gap: given under the lock of the chain head.
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    # Empreinte of the entry before; 32 zero bytes for the first.
    Column("precedent", LargeBinary, nullable=False),
    # SHA-256 of the canonical form of this entry (registry/journal.py).
    Column("empreinte", LargeBinary, nullable=False),
    # The certified instant: that of the reception of the exchange.
    Column("instant", INSTANT, nullable=False),
    # Code of ListeTypeFichier for what happens to a demande.
    Column("nature", Text, nullable=False),
    # The demande and the version that this entry made; null for what concerns no demande.
    Column("numero", Text),
    Column("version", Integer),
    Column("guichet", Text, nullable=False),
    Column("certificat", Text, nullable=False),
    Column("canal", Text, nullable=False),
    Column("echange", Uuid),
    # SHA-256 of demande_version.document: proves the content without holding anything nominative.
    Column("document", LargeBinary),
    # Further facts as canonical JSON, never nominative; '' when there is none.
    Column("detail", Text, nullable=False, server_default=text("''")),
    # What guichets corrected of the état civil of applicants (registry/trace_identites.py).
    Index("journal_etat_civil_ix", "sequence", postgresql_where=text("detail LIKE '%\"etat_civil\"%'")),
)

CHAINE: Final = Table(
    "chaine",
    METADATA,
    # One row, 'registre', locked FOR UPDATE by each registration: it orders them all.
    Column("nom", Text, primary_key=True),
    # Last sequence and last empreinte of the journal; 0 and 32 zero bytes before the first entry.
    Column("sequence", BigInteger, nullable=False),
    Column("empreinte", LargeBinary, nullable=False),
    postgresql_with={"fillfactor": "10"},
)

# --- demandes ---------------------------------------------------------------------------------------------

COMPTEUR_NUMERO: Final = Table(
    "compteur_numero",
    METADATA,
    Column("territoire", Text, primary_key=True),
    # MMYY, as written in the number.
    Column("mois", Text, CheckConstraint("mois ~ '^[0-9]{4}$'", name="mois"), primary_key=True),
    # Last sequence given, 1 to 999,999.
    Column("dernier", Integer, nullable=False),
    # A sequence past six digits does not fit in the number: the last guard, whatever the program does.
    CheckConstraint("dernier BETWEEN 0 AND 999999", name="dernier"),
    postgresql_with={"fillfactor": "50"},
)

DEMANDE: Final = Table(
    "demande",
    METADATA,
    Column(
        "numero",
        Text,
        CheckConstraint("char_length(numero) = 18", name="numero"),
        primary_key=True,
    ),
    Column("territoire", Text, nullable=False),
    # The guichet that registered it first.
    Column("guichet", Text, nullable=False),
    # dateCreationDemande: start of the seniority.
    Column("date_depot", Date, nullable=False),
    # The certified date: reception of the exchange that created it.
    Column("recue_le", INSTANT, nullable=False),
    # A state of registry/lifecycle.py.
    Column("etat", Text, nullable=False),
    # Current version, from 1: demande_version(numero, version) holds its document.
    Column("version", Integer, nullable=False),
    # Wished communes (INSEE codes) and wished types (codes of ListeTypeLogement) of the current version.
    Column("communes", ARRAY(Text), nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    # Registered although a doublon was found.
    Column("doublon_force", Boolean, nullable=False),
    # Journal entry of the current version.
    Column("sequence_journal", BigInteger, nullable=False),
    Column("maj_le", INSTANT, nullable=False),
    # Day of the last renewal: validity runs from it, or else from `date_depot`.
    Column("date_renouvellement", Date),
    # Day and motive (ListeMotifsRadiation) of the radiation; null when the demande is not radiated.
    Column("date_radiation", Date),
    Column("motif_radiation", Text),
    # A reactivated demande that still awaits its renewal is not radiated again before that day.
    Column("sursis", Date),
    # The demande whose seniority this one keeps, after a separation (CRS).
    Column("numero_origine", Text),
    postgresql_with={"fillfactor": "90"},
)

DEMANDE_VERSION: Final = Table(
    "demande_version",
    METADATA,
    Column("numero", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sequence_journal", BigInteger, nullable=False),
    # Code of ListeTypeFichier that made this version, the guichet that sent it, and when it was received.
    Column("nature", Text, nullable=False),
    Column("guichet", Text, nullable=False),
    Column("instant", INSTANT, nullable=False),
    # The document in emitted form (schemas.emission), ready to be re-headed; and its SHA-256.
    Column("document", LargeBinary, nullable=False),
    Column("empreinte", LargeBinary, nullable=False),
)

DETENTION: Final = Table(
    "detention",
    METADATA,
    # Who holds a demande: its author, and whoever received it. A holder keeps the right to read it.
    Column("numero", Text, primary_key=True),
    Column("guichet", Text, primary_key=True),
    Column("depuis_le", INSTANT, nullable=False),
    # Why: "auteur" (it sent or deposited it), "distribution", or "fusion" (it held a demande merged into it).
    Column("motif", Text, nullable=False),
    # The search, in what a guichet holds out of its perimeter: WHERE guichet = … AND left(numero, 3) < …,
    # the territory with which a number begins.
    Index("detention_guichet_ix", "guichet", text('"left"(numero, 3)')),
)

IDENTITE: Final = Table(
    "identite",
    METADATA,
    # One row per key of a person: nom d'usage and nom patronymique each give one.
    Column("numero", Text, primary_key=True),
    # 0 for the demandeur, 1… for the cotitulaires in the order of the document.
    Column("rang", SmallInteger, primary_key=True, autoincrement=False),
    # The normalised key (registry/doublons.py).
    Column("cle", Text, primary_key=True),
    Column("territoire", Text, nullable=False),
    # "demandeur" or "conjoint".
    Column("role", Text, nullable=False),
    # False once the demande is no longer active: it is then no doublon of anything.
    Column("active", Boolean, nullable=False, server_default=text("true")),
    # The search of doublons: WHERE active AND territoire = … AND cle = ANY(…).
    Index("identite_cle_ix", "territoire", "cle", postgresql_where=text("active")),
    # The approximate search: WHERE active AND territoire = … AND right(cle, 10) = …, the birth date.
    # It holds all that the search reads: a hundred rows of one day are next to each other, not on a hundred
    # pages of the table (12 ms against 1 with 3 million demandes, docs/decisions/0035).
    Index(
        "identite_naissance_ix",
        "territoire",
        text('"right"(cle, 10)'),
        postgresql_include=["cle", "numero", "role"],
        postgresql_where=text("active"),
    ),
)

REJEU: Final = Table(
    "rejeu",
    METADATA,
    # The first acceptance of a file: the same guichet sending the same bytes to the same operation gets the
    # same answer, rebuilt byte for byte from the version, `repondu_le` (dateFichier) and `nom_fichier`.
    Column("guichet", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    # SHA-256 of the file as received.
    Column("empreinte", LargeBinary, primary_key=True),
    Column("numero", Text, nullable=False),
    Column("version", Integer, nullable=False),
    # The exchange that was answered first.
    Column("echange", Uuid, nullable=False),
    Column("repondu_le", INSTANT, nullable=False),
    Column("nom_fichier", Text, nullable=False),
)

PREAVIS: Final = Table(
    "preavis",
    METADATA,
    # The notice of expiry produced for a demande: none is radiated that was not told (CCH R441-2-7).
    Column("numero", Text, primary_key=True),
    # The expiry that it tells; a renewal makes another one.
    Column("echeance", Date, primary_key=True),
    # 1: two months before; 2: one month before.
    Column("rang", SmallInteger, primary_key=True, autoincrement=False),
    # One of registry.preavis.CanalPreavis.
    Column("canal", Text, nullable=False),
    Column("produit_le", INSTANT, nullable=False),
)
