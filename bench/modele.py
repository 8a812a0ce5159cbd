"""The model of a stock: a small real registry, whose every row was written by the product itself.

Some two thousand demandes are registered, renewed, modified and radiated at the instants of thirteen months,
by the handlers that both edges call, and their distributions are acknowledged: the tables then hold whatever
the product writes, in the form that it writes. bench.gabarits makes of each of them as many copies as wanted.

What tells one copy from another stands in the documents as marks: names that nobody bears and birth dates
that nobody has (`Marque`).
"""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final

from lxml import etree
from sqlalchemy import Engine, text

from dispatching.attempts import Bail, Fin, finish, take
from dispatching.decision import Distributeur
from dispatching.transport import Accuse, Statut
from filters.language import filtre
from filters.store import VersionFiltre, save_filtre
from registry.clock import FixedClock
from registry.controles import PARIS
from registry.echanges import Canal, Echange, Emetteur, ReponseNumUnique
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, list_guichets, set_adresse_reception
from registry.handlers import OPERATION_NUM_UNIQUE, Traitement
from registry.projection import Projection
from schemas import cog, territoires
from schemas.emission import emit_demande
from schemas.generation import generate_demande
from schemas.lecture import PREFIX
from schemas.parser import parse
from schemas.revision import body_of, put, put_text
from schemas.violations import Violation
from soap.correlation import new_id

NATIONAL: Final = "G1104"
"""The guichet that may read every demande: a bailleur of all the territories."""
REGIONAL: Final = "B1110"
"""A bailleur of Île-de-France."""
COMMUNAL: Final = "C9306"
"""The guichet of a commune, Saint-Denis, which reads by communes."""

_SIREN: Final = "552046484"
_SAINT_DENIS: Final = "93066"
_TERRITOIRES: Final = 25
_AUTEURS: Final = 4
_CERTIFICAT: Final = "0" * 64
_DUREE: Final = timedelta(days=400)
_ANNEE: Final = timedelta(days=335)
_CLOCK: Final = timedelta(hours=9, minutes=30)
_RECEPTION: Final = "https://localhost/reception"
_EN_ATTENTE: Final = text("SELECT DISTINCT guichet FROM distribution WHERE etat = 'en_attente'")


@dataclass(frozen=True, slots=True)
class Fait:
    """Something that happens to the demande `modele` of the model, at a whole second."""

    instant: datetime
    modele: int
    type_fichier: str


@dataclass(frozen=True, slots=True)
class Marque:
    """What stands in a document of the model where each copy has its own: a name, or a birth date."""

    modele: int
    genre: str
    rang: int

    def __str__(self) -> str:
        if self.genre == "D":
            return f"1911-11-{10 + self.rang}"
        reste, lettres = self.modele, ""
        for _ in range(3):
            reste, lettre = divmod(reste, 26)
            lettres += string.ascii_uppercase[lettre]
        return f"QX{lettres}{self.genre}{string.ascii_uppercase[self.rang]}"


@cache
def chosen_territoires() -> dict[str, int]:
    """The most populated territories, Île-de-France first, with their population."""
    populations = {
        code: sum(
            found.population or 0
            for commune in territoires.communes_of_territoire(code)
            if (found := cog.commune(commune)) and len(cog.communes_of_ville(commune)) == 1
        )
        for code in territoires.territoires()
    }
    retenus = sorted(populations, key=lambda code: -populations[code])[:_TERRITOIRES]
    return {code: populations[code] for code in retenus}


def add_guichets(engine: Engine, instant: datetime) -> None:
    """The guichets of the bench and their filters; the first of each territory has none."""
    codes = list(chosen_territoires())
    nouveaux = [
        NouveauGuichet(NATIONAL, "National", TypeGuichet.BAILLEUR, _SIREN, frozenset(codes)),
        NouveauGuichet(
            COMMUNAL, "Saint-Denis", TypeGuichet.COMMUNE, "", frozenset({"111"}), perimetre=_SAINT_DENIS
        ),
        *(
            NouveauGuichet(
                f"B{code}{rang}", f"Bailleur {code}", TypeGuichet.BAILLEUR, _SIREN, frozenset({code})
            )
            for code in codes
            for rang in range(_AUTEURS)
        ),
    ]
    with engine.begin() as conn:
        for nouveau in nouveaux:
            guichet = add_guichet(conn, nouveau, instant=instant)
            assert isinstance(guichet, Guichet), guichet
        for code in codes:
            for rang in range(1, _AUTEURS):
                voulu = filtre(f"Les T{rang + 1}", territoires=[code], types_logement=[f"T{rang + 1}"])
                pose = save_filtre(conn, f"B{code}{rang}", voulu, instant=instant)
                assert isinstance(pose, VersionFiltre), pose


def plan_faits(graine: str, modeles: int, le: date) -> list[Fait]:
    """What happens in the 400 days that end on the day `le`, in the order of time, all instants distinct.

    A demande is renewed after eleven months, or radiated; one in five is modified.
    """
    rng = random.Random(graine)
    fin = datetime.combine(le, datetime.min.time(), UTC) + _CLOCK
    faits: list[Fait] = []
    for modele in range(modeles):
        cree = fin - _DUREE * (1 - (modele + 0.5) / modeles)
        faits.append(Fait(cree, modele, "CRE"))
        limite = fin
        if rng.random() < 0.07:
            limite = cree + (fin - cree) * rng.uniform(0.2, 0.98)
            faits.append(Fait(limite, modele, "RAD"))
        if cree + _ANNEE < limite:
            faits.append(Fait(cree + _ANNEE, modele, "REN"))
        if rng.random() < 0.2:
            faits.append(Fait(cree + (limite - cree) * rng.uniform(0.02, 0.9), modele, "MOD"))
    faits.sort(key=lambda fait: fait.instant)
    ranges: list[Fait] = []
    for fait in faits:
        instant = fait.instant.replace(microsecond=0)
        if ranges and instant <= ranges[-1].instant:
            instant = ranges[-1].instant + timedelta(seconds=1)
        ranges.append(Fait(instant, fait.modele, fait.type_fichier))
    return ranges


def draw(graine: str, modele: int, depot: date) -> tuple[bytes, Guichet]:
    """The file of a creation, marked, and the guichet that sends it."""
    rng = random.Random(f"{graine} {modele}")
    populations = chosen_territoires()
    (territoire,) = rng.choices(tuple(populations), tuple(populations.values()))
    guichet = Guichet(
        f"B{territoire}{rng.randrange(_AUTEURS)}",
        "",
        TypeGuichet.BAILLEUR,
        _SIREN,
        frozenset({territoire}),
    )
    data = generate_demande(
        rng,
        territoire=territoire,
        guichet=guichet.code,
        association=None,
        date_creation=depot,
        le=depot,
    )
    return mark(data, modele), guichet


def mark(data: bytes, modele: int) -> bytes:
    """The file with the adults under names that nobody bears; a name borne twice stays one name."""
    root = etree.fromstring(data)
    noms: dict[tuple[str, str], str] = {}
    adultes = [each for nom in ("demandeur", "cotitulaire") for each in root.iter(f"{PREFIX}{nom}")]
    for rang, adulte in enumerate(adultes):
        for element, genre in (("nom", "N"), ("nomPatronymique", "N"), ("prenom", "P")):
            found = adulte.find(f"{PREFIX}{element}")
            if found is not None and found.text:
                place = sum(connu == genre for connu, _ in noms)
                found.text = noms.setdefault((genre, found.text), str(Marque(modele, genre, place)))
        naissance = adulte.find(f"{PREFIX}dateNaissance")
        assert naissance is not None
        naissance.text = str(Marque(modele, "D", rang))
    # No two files are the same, even from associations of one name.
    put_text(body_of(root), "refInterne", str(Marque(modele, "R", 0)))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def follow(document: bytes, fait: Fait, guichet: str) -> bytes:
    """The file of a later fact, written from the answer to the one before."""
    root = parse(document)
    assert not isinstance(root, Violation)
    corps = body_of(root)
    jour = fait.instant.astimezone(PARIS).date().isoformat()
    put_text(corps, "numGuichet", guichet)
    match fait.type_fichier:
        case "REN":
            put(corps, "renouvellement", _element("renouvellement", dateRenouvellement=jour))
        case "RAD":
            radiation = _element("radiation", dateRadiation=jour)
            etree.SubElement(radiation, f"{PREFIX}motifRadiation", code="RADABA")
            put(corps, "radiation", radiation)
        case _:
            put_text(corps, "precision", "Situation mise à jour par le guichet.")
    numero = corps.findtext(f"{PREFIX}numUnique")
    return emit_demande(root, type_fichier=fait.type_fichier, date_fichier=fait.instant, num_unique=numero)


def _element(nom: str, **enfants: str) -> etree._Element:
    element = etree.Element(f"{PREFIX}{nom}")
    for enfant, texte in enfants.items():
        etree.SubElement(element, f"{PREFIX}{enfant}").text = texte
    return element


class Acteur:
    """Sends files through the handlers of the product, at instants of one's choosing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.clock = FixedClock(datetime(2000, 1, 1, tzinfo=UTC))
        self._traitement = Traitement(engine, self.clock, Projection(Distributeur(self.clock)))

    async def start(self) -> None:
        await self._traitement.start()

    async def stop(self) -> None:
        await self._traitement.stop()

    async def send(self, data: bytes, guichet: Guichet, instant: datetime) -> bytes:
        """The document of the answer; then what it has distributed is acknowledged. Raises RuntimeError when
        the file is refused."""
        self.clock.set(instant)
        echange = Echange(
            new_id(instant), Emetteur(guichet, _CERTIFICAT), Canal.SOAP, OPERATION_NUM_UNIQUE, instant, data
        )
        await self._traitement.receive(echange)
        reponse = await self._traitement.get_num_unique(echange, data)
        if not isinstance(reponse, ReponseNumUnique) or not reponse.numero:
            raise RuntimeError(f"fichier refusé : {reponse}")
        acknowledge(self._engine, instant)
        return reponse.demande.contenu


def open_reception(engine: Engine) -> None:
    """Give every guichet an address, so that what is distributed leaves."""
    with engine.begin() as conn:
        for guichet in list_guichets(conn):
            assert set_adresse_reception(conn, guichet.code, _RECEPTION) == ()


def acknowledge(engine: Engine, instant: datetime) -> None:
    """Take and acknowledge all that waits to be sent."""
    with engine.begin() as conn:
        while attente := conn.execute(_EN_ATTENTE).scalars().all():
            pris = take(conn, attente, instant=instant, porteur=1, bail=Bail())
            if not pris:
                raise RuntimeError(f"rien ne part vers {', '.join(attente)}")
            finish(conn, [Fin(envoi, Accuse(Statut.RECU)) for envoi in pris], instant=instant)


def play(engine: Engine, graine: str, faits: Sequence[Fait]) -> Iterator[int]:
    """Make the facts happen in an empty registry that has the guichets; yields how many have."""
    open_reception(engine)
    acteur = Acteur(engine)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(acteur.start())
        documents: dict[int, tuple[bytes, Guichet]] = {}
        for fait_nombre, fait in enumerate(faits, start=1):
            if fait.type_fichier == "CRE":
                data, guichet = draw(graine, fait.modele, fait.instant.astimezone(PARIS).date())
            else:
                document, guichet = documents[fait.modele]
                data = follow(document, fait, guichet.code)
            reponse = loop.run_until_complete(acteur.send(data, guichet, fait.instant))
            documents[fait.modele] = (reponse, guichet)
            yield fait_nombre
        loop.run_until_complete(acteur.stop())
    finally:
        loop.close()
