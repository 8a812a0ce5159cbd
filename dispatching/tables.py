"""The tables of the dispatching: what was decided, what is to be sent, what was tried.

`decision`, `distribution` and `compteur_distribution` are written by the registration, in its transaction;
`tentative`, `disjoncteur` and `incident_remise` by the workers, `retrait` and `passage` by the guichets that
come for theirs, in their own. They never update the same row, so that a slow partner costs nothing to a
registration.
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
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from registry.tables import INSTANT, METADATA

DECISION: Final = Table(
    "decision",
    METADATA,
    # One row per event of a demande: all that is needed to explain it later, to receivers and to the others.
    Column("numero", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # The journal entry of the event.
    Column("evenement", BigInteger, nullable=False),
    Column("nature", Text, nullable=False),
    Column("territoire", Text, nullable=False),
    Column("auteur", Text, nullable=False),
    Column("decidee_le", INSTANT, nullable=False),
    # The filters used: versions of generation up to this one, in force at decidee_le.
    Column("generation_filtres", BigInteger, nullable=False),
    # The perimeters used: the last one of each guichet of generation up to this one.
    Column("generation_perimetres", BigInteger, nullable=False),
    Column("destinataires", Integer, nullable=False),
    # What was known beyond the document (dispatching/connu.py); null when no filter in force asked for it.
    Column("connu", JSONB(none_as_null=True)),
    # What was decided between two instants (dispatching/attendus.py): rows come in the order of time.
    Index("decision_decidee_ix", "decidee_le", postgresql_using="brin"),
)

PERIMETRE: Final = Table(
    "perimetre",
    METADATA,
    # What the right to read of a guichet depended on, as the decisions from this generation on used it.
    Column("guichet", Text, primary_key=True),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("nom", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("territoires", ARRAY(Text), nullable=False),
    Column("communes", ARRAY(Text), nullable=False),
    Column("actif", Boolean, nullable=False),
    # Each decision asks for the last generation.
    Index("perimetre_generation_ix", "generation"),
)

COMPTEUR_DISTRIBUTION: Final = Table(
    "compteur_distribution",
    METADATA,
    Column("guichet", Text, primary_key=True),
    # Sequence of its last distribution: 1, 2, 3… without gap.
    Column("dernier", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

DISTRIBUTION: Final = Table(
    "distribution",
    METADATA,
    # UUID version 7; the same at every attempt: the partner knows a repeated sending by it.
    Column("id", Uuid, primary_key=True),
    Column("guichet", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("numero", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("nature", Text, nullable=False),
    # Why: dispatching.recipients.Raison; and, when it is a filter, the version that took the demande.
    Column("raison", Text, nullable=False),
    Column("filtre", BigInteger),
    Column("filtre_version", Integer),
    # The version of the demande that its file is in, when its guichet read another than the last one as the
    # distribution was made: its bytes never change.
    Column("interface", Text),
    Column("cree_le", INSTANT, nullable=False),
    # dispatching.deliveries.Etat.
    Column("etat", Text, nullable=False, server_default=text("'en_attente'")),
    # Not to be tried before this instant. Written before each attempt, so that a worker that dies leaves a
    # distribution that another will take.
    Column("prochaine_tentative", INSTANT, nullable=False),
    # Attempts so far, and how many of them no longer count (before a replay, or cut short by our own death).
    Column("tentatives", Integer, nullable=False, server_default=text("0")),
    Column("tentatives_oubliees", Integer, nullable=False, server_default=text("0")),
    # Put off after an attempt, or behind an earlier event of its demande that is: it waits for its instant,
    # and nobody walks past it to reach what is due.
    Column("differee", Boolean, nullable=False, server_default=text("false")),
    # When the partner acknowledged it, when it failed for good, or when it was withdrawn.
    Column("termine_le", INSTANT),
    # Why it failed for good: dispatching.transport.Cause.
    Column("cause", Text),
    # When it was last replayed: its deadline runs from there.
    Column("relancee_le", INSTANT),
    # The exchange by which the partner acknowledged it, when it was not the answer to a push.
    Column("acquit", Uuid),
    CheckConstraint("etat IN ('en_attente', 'acquittee', 'echec', 'retiree')", name="etat"),
    UniqueConstraint("guichet", "sequence"),
    # Who received this demande: explanation, holders, order of the distributions of one demande. Several may
    # tell the same version: a demande may leave what a guichet receives, and enter it again, unchanged.
    Index("distribution_numero_ix", "numero", "guichet", "sequence"),
    # The next distribution of a guichet, new or put off; in order for the guichet that pulls.
    Index(
        "distribution_attente_ix",
        "guichet",
        "differee",
        "sequence",
        postgresql_where=text("etat = 'en_attente'"),
    ),
    # What was put off, by the instant when it is due again.
    Index(
        "distribution_differee_ix",
        "guichet",
        "prochaine_tentative",
        "sequence",
        postgresql_where=text("etat = 'en_attente' AND differee"),
    ),
    # What has failed for good: few, and read with what waits by a guichet that pulls.
    # They are counted by cause without their rows.
    Index(
        "distribution_echec_ix",
        "guichet",
        "sequence",
        postgresql_include=["cause", "termine_le"],
        postgresql_where=text("etat = 'echec'"),
    ),
    # What was withdrawn: few, and neither missing nor in excess when a guichet says what it has.
    Index("distribution_retiree_ix", "guichet", "sequence", postgresql_where=text("etat = 'retiree'")),
    postgresql_with={"fillfactor": "80"},
)

RATTRAPAGE: Final = Table(
    "rattrapage",
    METADATA,
    # The offer to a guichet of the stock that its filters take (dispatching/rattrapages.py).
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("guichet", Text, nullable=False),
    # dispatching.rattrapages.EtatRattrapage.
    Column("etat", Text, nullable=False, server_default=text("'en_cours'")),
    Column("demande_le", INSTANT, nullable=False),
    # Offers a minute, and distributions of the guichet that may wait when some are made.
    Column("debit", Integer, nullable=False),
    Column("attente", Integer, nullable=False),
    # Where the walk is: all the demandes up to this number were looked at, for these filters and rights.
    Column("apres", Text, nullable=False, server_default=text("''")),
    Column("portee", Text, nullable=False, server_default=text("''")),
    # Demandes of its territories when it was asked for, looked at so far, and offered so far.
    Column("total", BigInteger, nullable=False),
    Column("examinees", BigInteger, nullable=False, server_default=text("0")),
    Column("offertes", BigInteger, nullable=False, server_default=text("0")),
    # The next step is not before this instant.
    Column("prochain_le", INSTANT, nullable=False),
    Column("termine_le", INSTANT),
    CheckConstraint("etat IN ('en_cours', 'suspendu', 'termine', 'annule')", name="etat"),
    # One at a time for a guichet; and the next to be moved on.
    Index(
        "rattrapage_ouvert_uq",
        "guichet",
        unique=True,
        postgresql_where=text("etat IN ('en_cours', 'suspendu')"),
    ),
)

OFFRE: Final = Table(
    "offre",
    METADATA,
    # A distribution that no event made: what was known when it was decided, as `decision` for an event. Its
    # instant is that of the distribution.
    Column("distribution", Uuid, primary_key=True),
    # The walk that made it; null for a task of the day.
    Column("rattrapage", BigInteger),
    Column("generation_filtres", BigInteger, nullable=False),
    Column("generation_perimetres", BigInteger, nullable=False),
    Column("connu", JSONB(none_as_null=True)),
)

TACHE_DU_JOUR: Final = Table(
    "tache_du_jour",
    METADATA,
    # The last day that a task has gone through (dispatching/balayage.py).
    Column("nom", Text, primary_key=True),
    Column("jour", Date, nullable=False),
)

TENTATIVE: Final = Table(
    "tentative",
    METADATA,
    Column("distribution", Uuid, primary_key=True),
    # 1, 2, 3…
    Column("rang", Integer, primary_key=True, autoincrement=False),
    Column("commencee_le", INSTANT, nullable=False),
    # The worker that tries: the key of the advisory lock that it holds while it lives.
    Column("porteur", Integer, nullable=False),
    # Null while it is being tried, or when the worker died.
    Column("terminee_le", INSTANT),
    # dispatching.deliveries.Issue, and French text for people, without nominative data.
    Column("issue", Text),
    Column("detail", Text, nullable=False, server_default=text("''")),
    # The attempts in progress: those of dead workers are closed.
    Index("tentative_ouverte_ix", "porteur", postgresql_where=text("terminee_le IS NULL")),
    postgresql_with={"fillfactor": "80"},
)

RETRAIT: Final = Table(
    "retrait",
    METADATA,
    # The file of a distribution was given to its guichet, which came for it: which version, which the common
    # trace of readings does not say (dispatching.retraits.list_readings).
    Column("distribution", Uuid, primary_key=True),
    Column("echange", Uuid, primary_key=True),
    Column("lu_le", INSTANT, nullable=False),
)

PASSAGE: Final = Table(
    "passage",
    METADATA,
    # When a guichet last came for its distributions, whether there were some or not.
    Column("guichet", Text, primary_key=True),
    Column("vu_le", INSTANT, nullable=False),
)

MANIFESTE: Final = Table(
    "manifeste",
    METADATA,
    # What was distributed to a guichet in one day of Paris, signed; never changed once made ([DST-60]).
    Column("guichet", Text, primary_key=True),
    Column("jour", Date, primary_key=True),
    # 1, 2, 3… for each guichet, one a day.
    Column("rang", Integer, nullable=False),
    Column("etabli_le", INSTANT, nullable=False),
    # Sequences of the day: from apres + 1 to apres + nombre.
    Column("apres", BigInteger, nullable=False),
    Column("nombre", BigInteger, nullable=False),
    # SHA-256 of the signed content: what the next one names.
    Column("empreinte", LargeBinary, nullable=False),
    # The signed message (RFC 5652), in DER.
    Column("octets", LargeBinary, nullable=False),
    # What its digest is made of, 49 bytes a distribution (dispatching/manifestes.py): it outlives the files.
    Column("lignes", LargeBinary, nullable=False),
    # When it was written to the guichet, which is reached by mail; null for the others.
    Column("poste_le", INSTANT),
    UniqueConstraint("guichet", "rang"),
)

DISJONCTEUR: Final = Table(
    "disjoncteur",
    METADATA,
    # What the workers know of a channel of a guichet that fails; no row for the others.
    # dispatching.disjoncteur says what the columns mean.
    Column("guichet", Text, primary_key=True),
    Column("canal", Text, primary_key=True),
    # Failures in a row of the channel; refusals in a row of documents.
    Column("echecs", Integer, nullable=False),
    Column("refus", Integer, nullable=False, server_default=text("0")),
    # Nothing is tried before this instant.
    Column("suspendu_jusqu_a", INSTANT),
    # Open since; null: closed.
    Column("ouvert_le", INSTANT),
    # The distribution that is being sent to see whether the channel works again.
    Column("sonde", Uuid),
    # The last failure: dispatching.transport.GenreEchec, and its text for people.
    Column("cause", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("maj_le", INSTANT, nullable=False),
    postgresql_with={"fillfactor": "80"},
)

REMISE_GUICHET: Final = Table(
    "remise_guichet",
    METADATA,
    # How deliveries to a guichet are made, beyond its channel; no row for most.
    Column("guichet", Text, primary_key=True),
    # The channel to fail over to, and after how many minutes of an open circuit breaker.
    Column("secours", Text),
    Column("secours_apres", Integer),
    # While it is served by its fallback: the channel to come back to, and since when.
    Column("principal", Text),
    Column("bascule_le", INSTANT),
    # Sendings a minute at most; the next is not before libre_le.
    Column("debit", Integer),
    Column("libre_le", INSTANT),
    # Sendings at once at most, in each process; null: as the configuration says.
    Column("simultanes", Integer),
    postgresql_with={"fillfactor": "50"},
)

INCIDENT_REMISE: Final = Table(
    "incident_remise",
    METADATA,
    # What happened to the channels of the guichets, for whoever operates the hub. Only added to.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("guichet", Text, nullable=False),
    Column("canal", Text, nullable=False),
    # dispatching.incidents.GenreIncident.
    Column("genre", Text, nullable=False),
    Column("le", INSTANT, nullable=False),
    Column("detail", Text, nullable=False),
    Index("incident_remise_ix", "guichet", "id"),
)
