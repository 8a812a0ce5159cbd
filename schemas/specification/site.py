"""What is published, and where: an index, the specification as a page and as a PDF, the schemas, the services.

Addresses are below ``/specification/``. Those of an edition hold its number and never change; the names of the
schemas of demande hold the version of the interface. What is not in this list is not published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cached_property
from html import escape
from importlib.resources import files
from typing import Final

from schemas.contract import (
    OWN_SERVICES,
    PARTNER_SERVICES,
    SERVICES,
    wsdl_bytes,
    wsdl_source,
    xsd_bytes,
    xsd_names,
)
from schemas.kinds import VERSIONS_DEMANDE
from schemas.specification.arbre import Arbre, read_arbre
from schemas.specification.editions import courante, publiee_le
from schemas.specification.page import wrap, write_page
from schemas.specification.pdf import write_pdf

RACINE: Final = "/specification/"
TITRE: Final = "Interface du registre des demandes de logement social"
HTML: Final = "text/html; charset=utf-8"
XML: Final = "application/xml; charset=utf-8"
PDF: Final = "application/pdf"
_XMLMIME: Final = "xmlmime.xsd"

_SCHEMAS: Final[Mapping[str, str]] = {
    "demande-02.00.xsd": "la demande de logement, version 02.00",
    "demande-02.01.xsd": "la demande de logement, version 02.01",
    "demande-commun.xsd": "ce que les deux versions ont en commun",
    "doublons.xsd": "la liste des doublons",
    "recherche.xsd": "la recherche de demandes",
    "gp-evenement.xsd": "les événements d'une demande",
    "gp-type-evenement.xsd": "les types d'événements",
    "domains.xsd": "les types communs à la recherche et à la gestion partagée",
    "dossier-unique.xsd": "les listes du dossier unique",
    "depots.xsd": "la liste des dépôts du portail",
    "distributions.xsd": "les manifestes et le rapprochement des distributions",
    "courrier.xsd": "ce qui voyage par courrier signé à côté des fichiers",
    _XMLMIME: "le fichier d'un message, inclus par les services",
}
"""What each schema describes."""


@dataclass(frozen=True, slots=True)
class Publie:
    """One published file. etag: with its quotes (RFC 9110 §8.8.3)."""

    type_mime: str
    octets: bytes
    etag: str


class Site:
    """The published files. Each is made when it is first asked for, and kept: some 0.5 s for the page, some
    seconds for the PDF. One thread at a time."""

    def __init__(self) -> None:
        self._prets: dict[str, Publie] = {}
        self._edition = courante()
        self._fichiers = self._list_files()

    @property
    def edition(self) -> str:
        """Where the current edition is, below `RACINE`."""
        return f"{self._edition.numero}/"

    @property
    def chemins(self) -> tuple[str, ...]:
        """Every address, below `RACINE`; the empty one is the index."""
        return tuple(self._fichiers)

    def find(self, chemin: str, base: str) -> Publie | None:
        """The file at an address below `RACINE`, or None. base: the origin of the services as the caller
        reaches it, ``https://host``, which the services are told to be at."""
        made = self._fichiers.get(chemin)
        if made is None:
            return None
        if chemin.endswith(".wsdl"):
            return _publish(XML, made(base))
        return self._prets.get(chemin) or self.keep(chemin, made(base))

    def keep(self, chemin: str, octets: bytes) -> Publie:
        """Publish these bytes at an address, where they were made elsewhere."""
        kind = {"html": HTML, "pdf": PDF}.get(chemin.rpartition(".")[2], XML if chemin else HTML)
        kept = self._prets[chemin] = _publish(kind, octets)
        return kept

    def is_heavy(self, chemin: str) -> bool:
        """Is this file still to be made, and not to be made by whoever serves? The PDF takes much memory."""
        return chemin.endswith(".pdf") and chemin not in self._prets

    def _list_files(self) -> dict[str, Callable[[str], bytes]]:
        at = self.edition
        return {
            "": lambda _: self._index(),
            f"{at}specification.html": lambda _: write_page(self._arbre, TITRE, self.sous_titre),
            f"{at}specification.pdf": lambda _: self._pdf(),
            **{f"{at}xsd/{nom}": _reading(nom) for nom in xsd_names()},
            **{f"{at}wsdl/{nom}.wsdl": _addressed(nom) for nom in (*SERVICES, *OWN_SERVICES)},
            # Served by partners: the address in it is theirs.
            **{f"{at}wsdl/{nom}.wsdl": _as_is(nom) for nom in PARTNER_SERVICES},
            f"{at}wsdl/{_XMLMIME}": _reading(_XMLMIME),
        }

    @cached_property
    def _arbre(self) -> Arbre:
        return read_arbre(files("schemas").joinpath("specification", "texte.md").read_text(encoding="utf-8"))

    @property
    def sous_titre(self) -> str:
        """The edition, for people."""
        when = f"du {self._edition.date:%d/%m/%Y}" if self._edition.date else "en préparation"
        versions = " et ".join(VERSIONS_DEMANDE)
        return f"Spécification, édition {self._edition.numero} {when} ; versions {versions} de la demande"

    def _pdf(self) -> bytes:
        instant = datetime.combine(publiee_le(), time(), UTC)
        return write_pdf(self._arbre, TITRE, self.sous_titre, instant=instant)

    def _index(self) -> bytes:
        at = self.edition
        schemas = "".join(
            f'<li><a href="{at}xsd/{nom}">{nom}</a> : {escape(_SCHEMAS[nom])}</li>' for nom in xsd_names()
        )
        services = "".join(
            f'<li><a href="{at}wsdl/{nom}.wsdl">{nom}</a></li>' for nom in (*SERVICES, *OWN_SERVICES)
        )
        partners = "".join(f'<li><a href="{at}wsdl/{nom}.wsdl">{nom}</a></li>' for nom in PARTNER_SERVICES)
        return wrap(
            TITRE,
            f'<main id="contenu" tabindex="-1"><h1>{TITRE}</h1>\n<p>{escape(self.sous_titre)}.</p>\n'
            f'<h2>La spécification</h2>\n<ul><li><a href="{at}specification.html">En une page</a></li>'
            f'<li><a href="{at}specification.pdf">En PDF</a></li></ul>\n'
            f"<h2>Les documents</h2>\n<ul>{schemas}</ul>\n"
            f"<h2>Les services de l'échangeur</h2>\n<ul>{services}</ul>\n"
            f"<h2>Le service que servent les partenaires</h2>\n<ul>{partners}</ul>\n"
            "<p>Chaque adresse porte le numéro de l'édition et ne change pas ; le nom d'un schéma de demande porte sa"
            " version.</p></main>\n",
            "index",
        )


def _publish(type_mime: str, octets: bytes) -> Publie:
    return Publie(type_mime, octets, f'"{hashlib.sha256(octets).hexdigest()[:32]}"')


def _reading(nom: str) -> Callable[[str], bytes]:
    return lambda _: xsd_bytes(nom)


def _addressed(service: str) -> Callable[[str], bytes]:
    return lambda base: wsdl_bytes(service, f"{base}/services/{service}")


def _as_is(service: str) -> Callable[[str], bytes]:
    return lambda _: wsdl_source(service)
