"""What the neighbours of the partner register when the developer asks: distributions to receive, at will."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree
from sqlalchemy import Connection, Engine, text

from dispatching.decision import Distributeur
from echangeur.bac_a_sable.monde import TYPES_RECHERCHES, VOISIN, Choix
from echangeur.sortie import ConstatNegatif
from registry.certificats import list_certificats
from registry.clock import Clock
from registry.controles import PARIS
from registry.echanges import Canal, Echange, Emetteur, Refus
from registry.guichets_store import get_guichet
from registry.handlers import Traitement
from registry.projection import Projection
from schemas.ecriture import REFERENCE
from schemas.generation import generate_demande
from schemas.parser import parse
from schemas.revision import body_of, put_text
from soap.correlation import new_id

_SEQUENCE = text("SELECT sequence FROM distribution WHERE guichet = :guichet AND numero = :numero")


@dataclass(frozen=True, slots=True)
class Distribuee:
    """A demande registered by the neighbour. sequence: of its distribution to the partner; None: to whom
    nothing is distributed."""

    numero: str
    sequence: int | None


async def register(
    engine: Engine, choix: Choix, clock: Clock, nombre: int, valeur: str
) -> Sequence[Distribuee]:
    """Have the neighbour register so many demandes, by the handlers of the hub. valeur: code of a value that
    they bear in `precision`, or empty.

    Raises ConstatNegatif when the hub refuses one.
    """
    with engine.connect() as conn:
        emetteur = _emetteur(conn)
    traitement = Traitement(engine, clock, Projection(Distributeur(clock)))
    await traitement.start()
    try:
        numeros = [await _register(traitement, emetteur, choix, clock, valeur) for _ in range(nombre)]
    finally:
        await traitement.stop()
    with engine.connect() as conn:
        return [
            Distribuee(numero, conn.scalar(_SEQUENCE, {"guichet": choix.guichet, "numero": numero}))
            for numero in numeros
        ]


async def _register(
    traitement: Traitement, emetteur: Emetteur, choix: Choix, clock: Clock, valeur: str
) -> str:
    instant = clock.now()
    data = draw(choix, VOISIN, clock, f"voisin {uuid.uuid4()}", valeur)
    echange = Echange(new_id(instant), emetteur, Canal.SOAP, "getNumUnique", instant, data)
    await traitement.receive(echange)
    reponse = await traitement.get_num_unique(echange, data)
    if isinstance(reponse, Refus) or not reponse.numero:
        raise ConstatNegatif("Le voisin n'a pas pu enregistrer la demande.", "Videz : bac-a-sable vider")
    return reponse.numero


def draw(choix: Choix, guichet: str, clock: Clock, graine: str, valeur: str = "") -> bytes:
    """A demande of today. valeur: as for `register`."""
    jour = clock.now().astimezone(PARIS).date()
    data = generate_demande(
        graine,
        territoire=choix.territoire,
        guichet=guichet,
        types_logement=list(TYPES_RECHERCHES),
        le=jour,
        date_creation=jour,
        avec_cotitulaire=False,
        style=REFERENCE,
    )
    if not valeur:
        return data
    root = parse(data)
    assert isinstance(root, etree._Element), "ce qui est engendré se lit"
    put_text(body_of(root), "precision", f"bac-a-sable:{valeur}")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _emetteur(conn: Connection) -> Emetteur:
    guichet = get_guichet(conn, VOISIN)
    assert guichet is not None, "le bac à sable a un voisin"
    return Emetteur(guichet, list_certificats(conn, VOISIN)[0].empreinte)
