"""The tables of what has no number yet: brouillons, and deposits of the portal awaiting their validation.

Nominative until their end: registry/depots_taches.py erases them, and registry/effacement.py the messages
that brought those which became demandes.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, BigInteger, Column, Date, Index, LargeBinary, Table, Text, Uuid, text

from registry.tables import INSTANT, METADATA

DEPOT: Final = Table(
    "depot",
    METADATA,
    # That of the exchange that recorded it first, a UUID version 7: the key is also an order of arrival.
    Column("id", Uuid, primary_key=True),
    # A state of registry/lifecycle.py: brouillon, attente, invalidee, active (it has its number), purgee.
    Column("etat", Text, nullable=False),
    # Who keeps it: a guichet for a brouillon, the portal for a deposit.
    Column("guichet", Text, nullable=False),
    Column("maj_le", INSTANT, nullable=False),
    # The certified reception of the deposit, and its journal entry; null for a brouillon.
    Column("depose_le", INSTANT),
    Column("sequence_depot", BigInteger),
    # Empty until it is deposited: a brouillon may wish for nothing yet.
    Column("territoire", Text, nullable=False),
    Column("communes", ARRAY(Text), nullable=False),
    # A brouillon as received; a deposit in emitted form; null once validated or erased.
    Column("document", LargeBinary),
    # What a guichet looks for: mail in lower case, names as normalised by registry.identites; nominative.
    Column("mel", Text, nullable=False),
    Column("noms", ARRAY(Text), nullable=False),
    Column("prenom", Text, nullable=False),
    Column("naissance", Date),
    # Its number, once it has one.
    Column("numero", Text),
    # Birth name and first names as deposited, when the guichet that validated corrected them; null otherwise.
    # Until the demande is erased, for the list of registry.trace_identites only.
    Column("nom_depose", Text),
    Column("prenom_depose", Text),
    # Why it was refused: one of registry.depots.Motif.
    Column("motif", Text),
    Column("commentaire", Text, nullable=False, server_default=text("''")),
    # When, by which guichet (the hub: registry.suites.SYSTEME) and which agent it was ended.
    Column("issue_le", INSTANT),
    Column("issue_guichet", Text),
    Column("utilisateur", Text, nullable=False, server_default=text("''")),
    # When the list that tells the applicant was written; null while he is to be told, or need not be.
    Column("avise_le", INSTANT),
    # What guichets list: deposits that wait, by territory, in their order.
    Index("depot_attente_ix", "territoire", "id", postgresql_where=text("etat = 'attente'")),
    # The same for a portal or a guichet among its own; and the daily tasks.
    Index("depot_guichet_ix", "guichet", "etat", "id", postgresql_where=text("etat <> 'active'")),
    # The erasure, with the demande.
    Index("depot_numero_ix", "numero", postgresql_where=text("numero IS NOT NULL")),
)

DEPOT_MESSAGE: Final = Table(
    "depot_message",
    METADATA,
    # The messages that brought it: their raw bytes are nominative, and a file sent again gets the first
    # answer.
    Column("echange", Uuid, primary_key=True),
    Column("depot", Uuid, nullable=False),
    Column("guichet", Text, nullable=False),
    Column("operation", Text, nullable=False),
    # SHA-256 of the file as received.
    Column("empreinte", LargeBinary, nullable=False),
    Column("repondu_le", INSTANT, nullable=False),
    Column("nom_fichier", Text, nullable=False),
    Index("depot_message_empreinte_ix", "guichet", "operation", "empreinte"),
    Index("depot_message_depot_ix", "depot"),
)
