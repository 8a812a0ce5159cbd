"""The file of a distribution: the same name and bytes at each sending and at each reading ([DST-10])."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from lxml import etree

from dispatching.deliveries import NATURE_SORTIE
from registry.controles import PARIS
from registry.documents_gardes import read_kept
from schemas.emission import NSMAP, as_0200, emit_demande, rehead
from schemas.lecture import PREFIX

LUS_ENSEMBLE: Final = 10
"""Documents held at once by what reads those of many distributions: one may have 1 MB."""

TYPE_DISTRIBUTION: Final = "DIS"
"""typeFichier of what is distributed (ListeTypeFichier)."""

NOM_SORTIE: Final = "SORTIE DE PERIMETRE"
AVIS_SORTIE: Final = (
    "Cette demande n'est plus de celles que vous recevez : rien de plus ne vous en sera envoyé,"
    " sauf si elle y revient."
)
"""What the notice says, where the schema has room for words."""

TYPE_SUPPRESSION: Final = "SUP"
"""typeFichier of a suppression: nothing in its document would tell it ([VIE-51])."""


_EMPREINTE: Final = re.compile(r"[0-9a-f]{64}")


def is_empreinte(texte: str) -> bool:
    """True for a SHA-256 in hexadecimal of lower case, as guichets give that of a file."""
    return _EMPREINTE.fullmatch(texte) is not None


def type_of(nature: str) -> str:
    """typeFichier of the distribution of a change of that nature."""
    return TYPE_SUPPRESSION if nature in (TYPE_SUPPRESSION, NATURE_SORTIE) else TYPE_DISTRIBUTION


def write_contenu(document: bytes, nature: str, cree_le: datetime, interface: str | None) -> bytes:
    """The bytes. document: the emitted form of the version; cree_le: when the distribution was made;
    interface: its column, the version of the demande to write it in, or None as it is ([SOA-44])."""
    if nature == NATURE_SORTIE:
        return write_sortie(document, cree_le)
    contenu = rehead(document, type_fichier=type_of(nature), date_fichier=cree_le)
    return contenu if interface is None else as_0200(contenu)


def write_sortie(document: bytes, cree_le: datetime) -> bytes:
    """The notice that a demande has left what the guichet receives ([DST-111]).

    Of the document, only what the guichet has had since its first file and what never changes: the number,
    the guichet that it ends with and the day of the deposit. The schema wants an applicant: an association
    that nobody can be is the shortest one, and tells a person what the file is.
    """
    demande = read_kept(document)
    numero = demande.num_unique or ""
    avis = etree.Element(f"{PREFIX}interfaceNuu", nsmap=NSMAP, versionInterface="02.00")
    etree.SubElement(avis, f"{PREFIX}entete")
    corps = etree.SubElement(etree.SubElement(avis, f"{PREFIX}demande"), f"{PREFIX}demandeLogement")
    for name, texte in (
        ("numGuichet", numero[-5:]),
        ("numUnique", numero),
        ("dateCreationDemande", demande.date_creation.isoformat()),
        ("precision", AVIS_SORTIE),
    ):
        etree.SubElement(corps, PREFIX + name).text = texte
    association = etree.SubElement(corps, f"{PREFIX}association")
    etree.SubElement(association, f"{PREFIX}nom").text = NOM_SORTIE
    return emit_demande(avis, type_fichier=TYPE_SUPPRESSION, date_fichier=cree_le, num_unique=numero)


def name_of(guichet: str, sequence: int, cree_le: datetime) -> str:
    """The name (interface/wire §3), of the instant when it was made, not of the attempt."""
    minute = cree_le.astimezone(PARIS).strftime("%Y%m%d%H%M")
    return f"DEM{guichet}-{minute}-{sequence % 1_000_000:06d}.xml"
