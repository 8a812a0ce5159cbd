"""The tables of the dossier unique: pièces, their content in blocks, the history of what was done with them.

Nominative, all but `profil_certificat`: to be erased with the demande (`registry.pieces_store.erase`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, Table, Text, Uuid, text

from registry.tables import INSTANT, METADATA

PIECE: Final = Table(
    "piece",
    METADATA,
    # UUID version 7: grows with time, so the key is also the order of deposit.
    Column("id", Uuid, primary_key=True),
    Column("numero", Text, nullable=False),
    # Code of registry/categories_pieces.csv; corrected by a mark.
    Column("categorie", Text, nullable=False),
    # Name of the file as given by who deposited it; shown, never used as a path.
    Column("nom", Text, nullable=False),
    # Media type found in the content.
    Column("type", Text, nullable=False),
    Column("taille", Integer, nullable=False),
    # SHA-256 of the content: stays when the content is erased.
    Column("empreinte", LargeBinary, nullable=False),
    # One of registry.pieces.Marque.
    Column("marque", Text, nullable=False),
    Column("guichet", Text, nullable=False),
    Column("depose_le", INSTANT, nullable=False),
    Column("sequence_journal", BigInteger, nullable=False),
    # Null while the pièce is in the dossier.
    Column("supprimee_le", INSTANT),
    # The dossier of a demande.
    Index("piece_numero_ix", "numero"),
    # The same file twice in one dossier: the last guard, whatever the program does.
    Index(
        "piece_empreinte_uq",
        "numero",
        "empreinte",
        unique=True,
        postgresql_where=text("supprimee_le IS NULL"),
    ),
)

PIECE_BLOC: Final = Table(
    "piece_bloc",
    METADATA,
    Column("piece", Uuid, primary_key=True),
    # 0, 1, 2… : pieces_store.BLOC bytes each but the last.
    Column("rang", Integer, primary_key=True, autoincrement=False),
    Column("octets", LargeBinary, nullable=False),
)

PIECE_ACTION: Final = Table(
    "piece_action",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("numero", Text, nullable=False),
    # Null for what concerns the whole dossier.
    Column("piece", Uuid),
    # One of registry.pieces.Action.
    Column("action", Text, nullable=False),
    Column("instant", INSTANT, nullable=False),
    Column("guichet", Text, nullable=False),
    Column("certificat", Text, nullable=False),
    # The agent, as the guichet names him; and the profile he acted under.
    Column("utilisateur", Text, nullable=False),
    Column("profil", Text, nullable=False),
    Column("echange", Uuid, nullable=False),
    # The mark, the new category, the motive, on whose behalf.
    Column("detail", Text, nullable=False, server_default=text("''")),
    Index("piece_action_numero_ix", "numero", "id"),
)

PROFIL_CERTIFICAT: Final = Table(
    "profil_certificat",
    METADATA,
    # SHA-256 of the certificate; without a row, its guichet has the default profile.
    Column("empreinte", Text, primary_key=True),
    # One of registry.profils.Profil.
    Column("profil", Text, nullable=False),
    Column("depuis_le", INSTANT, nullable=False),
)
