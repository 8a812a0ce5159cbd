"""The tables of signed mail: what came, file by file; what is to leave, attempt by attempt; the cut-offs.

Raw bytes and contents are apart from the rest, because they hold nominative data and are purged before it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from registry.tables import INSTANT, METADATA

COURRIER_ENTRANT: Final = Table(
    "courrier_entrant",
    METADATA,
    # UUID version 7: grows with time.
    Column("id", Uuid, primary_key=True),
    # mailflows.entrants.Source.
    Column("source", Text, nullable=False),
    # What names the message where it was read (IMAP: account, folder, UIDVALIDITY, UID), so that reading it
    # twice keeps it once; null when it was handed to us.
    Column("cle_source", Text),
    # Envelope sender, unproven; empty for a notice of non-delivery.
    Column("expediteur", Text, nullable=False),
    # As its header gives it, once it was read; then size and SHA-256 of the raw bytes.
    Column("message_id", Text, nullable=False, server_default=text("''")),
    Column("recu_le", INSTANT, nullable=False),
    Column("taille", Integer, nullable=False),
    Column("empreinte", LargeBinary, nullable=False),
    # mailflows.entrants.EtatEntrant.
    Column("etat", Text, nullable=False, server_default=text("'recu'")),
    # Not to be handled before this instant; written before each attempt.
    Column("prochaine_tentative", INSTANT, nullable=False),
    Column("tentatives", Integer, nullable=False, server_default=text("0")),
    # Key of the advisory lock of the process that handles it; null when nobody does.
    Column("porteur", Integer),
    # mailflows.entrants.Nature, once it was opened.
    Column("nature", Text, nullable=False, server_default=text("''")),
    # Proven by the signature: who speaks, by which certificate; SHA-256 of the signed content.
    Column("guichet", Text),
    Column("certificat", Text),
    Column("contenu", LargeBinary),
    # An earlier message of the same guichet with the same signed content, handled already.
    Column("doublon_de", Uuid),
    Column("fichiers", Integer, nullable=False, server_default=text("0")),
    # Code of the anomalie that refused it, and what people may read of the cause; never nominative.
    Column("code", Text, nullable=False, server_default=text("''")),
    Column("motif", Text, nullable=False, server_default=text("''")),
    Column("termine_le", INSTANT),
    # Moved, in the mailbox that it came from.
    Column("range_le", INSTANT),
    CheckConstraint("etat IN ('recu', 'traite', 'quarantaine')", name="etat"),
    UniqueConstraint("cle_source"),
    # What is due.
    Index("courrier_entrant_recu_ix", "prochaine_tentative", postgresql_where=text("etat = 'recu'")),
    # The quarantine, as the operator reads it.
    Index("courrier_entrant_quarantaine_ix", "id", postgresql_where=text("etat = 'quarantaine'")),
    # The duplicates of a message.
    Index("courrier_entrant_contenu_ix", "contenu", postgresql_where=text("contenu IS NOT NULL")),
    postgresql_with={"fillfactor": "80"},
)

COURRIER_BRUT: Final = Table(
    "courrier_brut",
    METADATA,
    Column("courrier", Uuid, primary_key=True),
    # The message as received, deflated.
    Column("octets", LargeBinary, nullable=False),
)

COURRIER_FICHIER: Final = Table(
    "courrier_fichier",
    METADATA,
    # One file of a message that was handled: after an interruption, it is not handled again.
    Column("courrier", Uuid, primary_key=True),
    # 1, 2, 3… in the order of the message.
    Column("rang", Integer, primary_key=True, autoincrement=False),
    Column("nom", Text, nullable=False),
    # SHA-256 of the file.
    Column("empreinte", LargeBinary, nullable=False),
    Column("operation", Text, nullable=False),
    Column("echange", Uuid, nullable=False),
    # schemas.courrier.Verdict, code of the first anomalie.
    Column("verdict", Text, nullable=False),
    Column("code", Text, nullable=False, server_default=text("''")),
    Column("numero", Text, nullable=False, server_default=text("''")),
    # What is to be answered about it, deflated JSON (mailflows.resultats); null once the answer is written.
    Column("reponse", LargeBinary),
    # The mails of a demande that is erased (registry.effacement).
    Index("courrier_fichier_numero_ix", "numero"),
    Index("courrier_fichier_echange_ix", "echange"),
)

COURRIER_SORTANT: Final = Table(
    "courrier_sortant",
    METADATA,
    # UUID version 7; the same at every attempt: X-Echangeur-Id, Message-ID and ENVID bear it.
    Column("id", Uuid, primary_key=True),
    Column("guichet", Text, nullable=False),
    # mailflows.sortants.NatureSortant.
    Column("nature", Text, nullable=False),
    # The message that it answers, or its own identifier when it answers none; rank of this part of the
    # answer, and number of parts.
    Column("entrant", Uuid, nullable=False),
    Column("partie", Integer, nullable=False),
    Column("parties", Integer, nullable=False),
    # SHA-256 of the content to be signed.
    Column("empreinte", LargeBinary, nullable=False),
    # mailflows.etats.Etat.
    Column("etat", Text, nullable=False),
    # True when the partner must acknowledge it.
    Column("accuse_attendu", Boolean, nullable=False),
    # When to try again, or to remind; null when nothing more is to be done. Written before each attempt.
    Column("prochaine_tentative", INSTANT),
    # Attempts so far; how many failed since the last one that left; how many times it left.
    Column("tentatives", Integer, nullable=False, server_default=text("0")),
    Column("echecs", Integer, nullable=False, server_default=text("0")),
    Column("departs", Integer, nullable=False, server_default=text("0")),
    Column("cree_le", INSTANT, nullable=False),
    Column("termine_le", INSTANT),
    # Last thing known, in French, for people; never nominative.
    Column("detail", Text, nullable=False, server_default=text("''")),
    CheckConstraint("etat IN ('a_envoyer', 'attend_accuse', 'envoye', 'acquitte', 'echec')", name="etat"),
    # One answer to one message, whatever happens between.
    UniqueConstraint("entrant", "partie"),
    Index(
        "courrier_sortant_du_ix",
        "prochaine_tentative",
        postgresql_where=text("prochaine_tentative IS NOT NULL"),
    ),
    postgresql_with={"fillfactor": "80"},
)

COURRIER_CONTENU: Final = Table(
    "courrier_contenu",
    METADATA,
    Column("courrier", Uuid, primary_key=True),
    # The entity to be signed and encrypted at each attempt, deflated: the certificate may change between.
    Column("octets", LargeBinary, nullable=False),
)

COURRIER_TENTATIVE: Final = Table(
    "courrier_tentative",
    METADATA,
    Column("courrier", Uuid, primary_key=True),
    # 1, 2, 3…
    Column("rang", Integer, primary_key=True, autoincrement=False),
    Column("commencee_le", INSTANT, nullable=False),
    Column("porteur", Integer, nullable=False),
    # Null while it is being tried, or when the process died.
    Column("terminee_le", INSTANT),
    Column("issue", Text),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Index("courrier_tentative_ouverte_ix", "porteur", postgresql_where=text("terminee_le IS NULL")),
)

COURRIER_AVIS: Final = Table(
    "courrier_avis",
    METADATA,
    # What mail servers said of a message of ours (RFC 3464): correlation only, nothing proves it.
    Column("entrant", Uuid, primary_key=True),
    # Identifier of the message of ours: of a courrier_sortant or of a distribution.
    Column("objet", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    Column("statut", Text, nullable=False),
    Column("recu_le", INSTANT, nullable=False),
    Index("courrier_avis_objet_ix", "objet"),
)

COURRIER_REPETITION: Final = Table(
    "courrier_repetition",
    METADATA,
    # That of its first message.
    Column("id", Uuid, primary_key=True),
    Column("guichet", Text, nullable=False),
    # Empreintes of the certificates rehearsed: those of the hub, those of the guichet.
    Column("signature", Text, nullable=False),
    Column("chiffrement", Text, nullable=False),
    Column("signature_guichet", Text, nullable=False),
    Column("chiffrement_guichet", Text, nullable=False),
    Column("cree_le", INSTANT, nullable=False),
    # After it, nothing more is sent, and the operator is told that the guichet did not answer.
    Column("limite", INSTANT, nullable=False),
    # Identifier of its second message, once the first was acknowledged.
    Column("retour", Uuid),
    Index("courrier_repetition_guichet_ix", "guichet", "id"),
    Index("courrier_repetition_retour_ix", "retour", postgresql_where=text("retour IS NOT NULL")),
)

COURRIER_EPREUVE: Final = Table(
    "courrier_epreuve",
    METADATA,
    # What was found of one use of a rehearsal; the first finding stays.
    Column("repetition", Uuid, primary_key=True),
    # certs.trousseau.UsageRotation.
    Column("usage", Text, primary_key=True),
    Column("reussie", Boolean, nullable=False),
    # French, for the operator.
    Column("detail", Text, nullable=False),
    Column("constatee_le", INSTANT, nullable=False),
)

FERMETURE_COURRIER: Final = Table(
    "fermeture_courrier",
    METADATA,
    # A guichet, or '' for all.
    Column("guichet", Text, primary_key=True),
    # The mail received from then on is refused; warnings are given from `annoncee_le` on.
    Column("ferme_le", INSTANT, nullable=False),
    Column("annoncee_le", INSTANT, nullable=False),
)
