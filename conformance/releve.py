"""What a partner asks of the service of distributions, and reads in its answers."""

from __future__ import annotations

import base64

from lxml import etree

from conformance import message
from conformance.assertion import Empeche
from conformance.cible import Cible, Creee
from conformance.message import Groupe
from conformance.reponse import Lu


def list_after(c: Cible, apres: int = 0, nombre: int = 100, etat: str = "", role: str = "lecteur") -> Lu:
    """listerDistributions."""
    fields: list[tuple[str, message.Champ]] = [("apresSequence", str(apres)), ("nombreMax", str(nombre))]
    if etat:
        fields.append(("etat", etat))
    return c.send(message.distributions("listerDistributions", *fields), role)


def situation(c: Cible, role: str = "lecteur") -> Lu:
    """situerDistributions. Raises Empeche when it is refused."""
    return c.accepted(c.send(message.distributions("situerDistributions"), role), "situerDistributions")


def last(c: Cible, role: str = "lecteur") -> int:
    """The last sequence given to the guichet."""
    return int(situation(c, role).champs.get("derniereSequence", "0"))


def entries(lu: Lu) -> list[etree._Element]:
    """The distributions of an answer."""
    return [] if lu.element is None else list(lu.element.iterfind("distribution"))


def text(entry: etree._Element, name: str) -> str:
    """A field of a distribution."""
    return entry.findtext(name) or ""


def content(entry: etree._Element) -> bytes:
    """Its file."""
    return base64.b64decode(text(entry, "fichierDemande"))


def distributed(c: Cible, creee: Creee, apres: int, role: str = "lecteur") -> etree._Element:
    """The distribution of that demande. Raises Empeche when there is none."""
    for entry in entries(list_after(c, apres, role=role)):
        if text(entry, "numUnique") == creee.numero:
            return entry
    raise Empeche(f"la demande créée n'est pas parmi les distributions du {role}")


def acknowledge(c: Cible, *couples: tuple[str, str], role: str = "lecteur") -> Lu:
    """acquitterDistributions, of couples (sequence, empreinte)."""
    fields = [("acquit", Groupe((("sequence", s), ("empreinte", e)))) for s, e in couples]
    return c.send(message.distributions("acquitterDistributions", *fields), role)


def results(lu: Lu) -> list[tuple[str, str]]:
    """(statut, code) of each."""
    found = [] if lu.element is None else lu.element.iterfind("resultat")
    return [(text(each, "statut"), text(each, "code")) for each in found]


def compare(
    c: Cible, *tranches: tuple[int, int, str], apres: int = 0, jusqua: int = 0, role: str = "lecteur"
) -> Lu:
    """rapprocherDistributions, of ranges (first, last, digests)."""
    fields: list[tuple[str, message.Champ]] = [("apresSequence", str(apres))]
    if jusqua:
        fields.append(("jusquaSequence", str(jusqua)))
    for first, end, empreintes in tranches:
        inside: list[tuple[str, message.Champ]] = [("premiere", str(first)), ("derniere", str(end))]
        if empreintes:
            inside.append(("empreintes", empreintes))
        fields.append(("tranche", Groupe(inside)))
    return c.send(message.distributions("rapprocherDistributions", *fields), role)


def ranges(lu: Lu, name: str) -> list[tuple[int, int]]:
    """Those of that name in an answer."""
    found = [] if lu.element is None else lu.element.iterfind(name)
    return [
        (
            int(text(each, "premiere") or text(each, "sequence")),
            int(text(each, "derniere") or text(each, "sequence")),
        )
        for each in found
    ]
