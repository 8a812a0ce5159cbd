"""What the tests of the portal build: its guichet, its handlers, deposits and what guichets see of them."""

from __future__ import annotations

import re
from datetime import date, datetime

from registry.clock import FixedClock
from registry.depots import Constat
from registry.echanges import Echange, Fichier, Refus, ReponseNumUnique
from registry.guichets import Guichet, TypeGuichet
from registry.handlers import Traitement
from schemas.demande import Demande
from tests.registry.fabrique import RECU_LE, demande_of, echange_of, generate

PORTAIL = Guichet("GDPUB", "Portail grand public", TypeGuichet.PORTAIL, "", frozenset({"111", "059"}))
JOUR = RECU_LE.date()


def typed(seed: int | str, jour: date = JOUR, guichet: Guichet = PORTAIL, **options: object) -> bytes:
    """The file that the portal sends for an applicant alone who wishes Montreuil, on that day."""
    options.setdefault("avec_cotitulaire", False)
    options.setdefault("association", False)
    options.setdefault("communes", ["93048"])
    return generate(seed, guichet, date_creation=jour, **options)  # type: ignore[arg-type]


def seen(data: bytes, **changes: object) -> Constat:
    """What the identity document of that applicant bears, and the agent who saw it."""
    demandeur = demande_of(data).demandeur
    assert demandeur is not None
    values: dict[str, object] = {
        "piece": "CNI",
        "nom": demandeur.nom_patronymique or demandeur.nom,
        "prenom": demandeur.prenom,
        "naissance": demandeur.date_naissance,
        "utilisateur": "a.martin",
    }
    return Constat(**{**values, **changes})  # type: ignore[arg-type]


async def receive(
    traitement: Traitement, guichet: Guichet, data: bytes = b"", at: datetime = RECU_LE
) -> Echange:
    """An exchange kept, as the edge does before anything else."""
    echange = echange_of(guichet, data, at)
    await traitement.receive(echange)
    return echange


async def send(
    traitement: Traitement, data: bytes, guichet: Guichet = PORTAIL, at: datetime = RECU_LE
) -> ReponseNumUnique:
    """getNumUnique."""
    answer = await traitement.get_num_unique(await receive(traitement, guichet, data, at), data)
    assert isinstance(answer, ReponseNumUnique), answer
    return answer


async def deposited(traitement: Traitement, data: bytes, at: datetime = RECU_LE) -> str:
    """The identifier of a deposit that must be accepted."""
    answer = await send(traitement, data, at=at)
    assert answer.depot, codes(answer)
    return answer.depot


async def validate(
    traitement: Traitement,
    depot: str,
    constat: Constat,
    guichet: Guichet,
    fichier: bytes | None = None,
    at: datetime = RECU_LE,
) -> ReponseNumUnique | Refus:
    """validerDepot."""
    echange = await receive(traitement, guichet, fichier or b"", at)
    return await traitement.portail.valider(echange, depot, constat, fichier)


async def numbered(
    traitement: Traitement, depot: str, constat: Constat, guichet: Guichet, at: datetime = RECU_LE
) -> str:
    """The number of a deposit that must be validated."""
    answer = await validate(traitement, depot, constat, guichet, at=at)
    assert isinstance(answer, ReponseNumUnique), answer
    assert answer.numero, codes(answer)
    return answer.numero


def codes(answer: ReponseNumUnique | Refus | Fichier | object) -> list[str]:
    """The codes of the anomalies of an answer; empty when there is none."""
    if isinstance(answer, Refus):
        return [anomalie.code for anomalie in answer.anomalies]
    contenu = answer.demande.contenu if isinstance(answer, ReponseNumUnique) else b""
    return re.findall(r'<ns1:anomalie code="(\w+)"', contenu.decode())


def demande_in(answer: ReponseNumUnique | Refus) -> Demande:
    assert isinstance(answer, ReponseNumUnique), answer
    return demande_of(answer.demande.contenu)


def advance(clock: FixedClock, instant: datetime) -> datetime:
    clock.set(instant)
    return instant
