"""A small world for the whole hub: seven guichets of all types, their filters, and who must receive what.

`destinataires` is the independent evaluation: rights as the rules say them, filters by their definition, one
guichet after the other, without the index, the candidates nor the decision of the hub.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from pathlib import Path

from echangeur.cli import run
from filters.language import Filtre, filtre
from filters.naive import matches
from filters.source import Contexte
from filters.traits import traits_of
from registry.droits import may_read
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, resolve
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.ecriture import REFERENCE
from schemas.generation import generate_demandes

PARIS = "75056"
EST_ENSEMBLE = "200057875"
LILLE = "200093201"


@dataclass(frozen=True, slots=True)
class Bureau:
    """A guichet and its filters. auteur: it also registers demandes."""

    code: str
    type: TypeGuichet
    territoires: tuple[str, ...]
    filtres: tuple[Filtre, ...] = ()
    perimetre: str = ""
    auteur: bool = False

    def guichet(self) -> Guichet:
        """As the hub resolves it: the communes of its perimeter."""
        found = resolve(
            NouveauGuichet(self.code, self.code, self.type, "", frozenset(self.territoires), self.perimetre)
        )
        assert isinstance(found, Guichet), found
        return found


BUREAUX = (
    Bureau(
        *("G1104", TypeGuichet.BAILLEUR, ("111", "059")),
        filtres=(filtre("Métropole de Lille", epci=[LILLE], types_logement=["T3", "T4"]),),
        auteur=True,
    ),
    Bureau(
        *("G1226", TypeGuichet.BAILLEUR, ("111",)),
        # The two overlap: what both take is sent once.
        filtres=(
            filtre("Est Ensemble", epci=[EST_ENSEMBLE]),
            filtre("Petits logements de l'est", communes=["93048", "93006"], types_logement=["T1", "T2"]),
        ),
        auteur=True,
    ),
    # Takes everything of its territory, but never what it sent itself.
    Bureau("G0590", TypeGuichet.BAILLEUR, ("059",), filtres=(Filtre("Tout"),), auteur=True),
    Bureau(
        *("G7501", TypeGuichet.COMMUNE, ("111",)),
        filtres=(filtre("Deux pièces", types_logement=["T2"]),),
        perimetre=PARIS,
    ),
    # No condition: the rights alone choose, the communes of the EPCI.
    Bureau("G9301", TypeGuichet.EPCI, ("111",), filtres=(Filtre("Tout"),), perimetre=EST_ENSEMBLE),
    # A filter never widens the rights: nothing is ever sent to this one.
    Bureau("G7500", TypeGuichet.ETAT, ("111",), filtres=(filtre("Le Nord", territoires=["059"]),)),
    # Everything may be read, nothing is asked for.
    Bureau("G7502", TypeGuichet.AUTRE, ("111", "059")),
)
AUTEURS = tuple(bureau for bureau in BUREAUX if bureau.auteur)
RECEVEURS = tuple(bureau for bureau in BUREAUX if bureau.filtres)


@dataclass(frozen=True, slots=True)
class Depot:
    """A demande that an author registers. destinataires: codes of the guichets that must receive it."""

    rang: int
    auteur: str
    document: bytes
    demande: Demande
    territoire: str
    destinataires: frozenset[str]


@cache
def generate_depots(seed: str, count: int) -> tuple[Depot, ...]:
    """Demandes of persons who all differ, shared between the authors and their territories."""
    places = list(product(AUTEURS, ("111", "059")))
    turns = [(bureau.code, territoire) for bureau, territoire in places if territoire in bureau.territoires]
    streams = {
        territoire: generate_demandes(f"{seed} {territoire}", count, territoire=territoire, style=REFERENCE)
        for territoire in ("111", "059")
    }
    guichets = [(bureau, bureau.guichet()) for bureau in BUREAUX]
    depots = []
    for rang in range(count):
        auteur, territoire = turns[rang % len(turns)]
        (document,) = islice(streams[territoire], 1)
        document = document.replace(b">G1104<", f">{auteur}<".encode())
        read = read_document(document, DEMANDES)
        assert isinstance(read, Document), read
        demande = read_demande(read.root)
        found = _destinataires(guichets, auteur, demande, territoire)
        depots.append(Depot(rang, auteur, document, demande, territoire, found))
    return tuple(depots)


def _destinataires(
    guichets: Sequence[tuple[Bureau, Guichet]], auteur: str, demande: Demande, territoire: str
) -> frozenset[str]:
    traits = traits_of(demande, Contexte())
    return frozenset(
        bureau.code
        for bureau, guichet in guichets
        if bureau.code != auteur
        and may_read(guichet, territoire, demande.communes_souhaitees).accorde
        and any(matches(each, traits) for each in bureau.filtres)
    )


Commande = Callable[..., object]
"""Runs `echangeur` with these words."""


def administer(*words: object) -> None:
    """One command in this process: the interpreter takes longer to start than most commands to work."""
    assert run([str(word) for word in words]) == 0


def settle(dossier: Path, adresses: dict[str, str], commande: Commande) -> None:
    """Register the guichets, the certificates of the authors and the filters.

    adresses: reception endpoint by code.
    """
    for bureau in BUREAUX:
        for words in _commands(dossier, bureau, adresses.get(bureau.code, "")):
            commande("--instance", dossier, *words)


def certificats(dossier: Path, code: str) -> Path:
    """Where cert.pem, key.pem and ca.pem of an author are."""
    return dossier / "partenaires" / code


def _commands(dossier: Path, bureau: Bureau, adresse: str) -> list[list[object]]:
    words: list[object] = ["guichet", "ajouter", bureau.code, "--nom", f"Guichet {bureau.code}"]
    words += ["--type", bureau.type.value, "--adresse-reception", adresse]
    words += [word for code in bureau.territoires for word in ("--territoire", code)]
    if bureau.perimetre:
        words += [f"--{bureau.type.value}", bureau.perimetre]
    found = [words]
    if bureau.auteur:
        found.append(["certificat", "emettre", bureau.code, "--dossier", certificats(dossier, bureau.code)])
    for each in bureau.filtres:
        words = ["filtre", "ajouter", bureau.code, "--nom", each.nom]
        for condition in each.conditions:
            option = {
                "communes": "--commune",
                "epci": "--epci",
                "territoires": "--territoire",
                "types_logement": "--type-logement",
            }[condition.critere]
            words += [word for value in sorted(condition.valeurs) for word in (option, value)]
        found.append(words)
    return found
