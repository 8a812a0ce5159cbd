"""What a partner writes by mail to a hub, and reads in its answers."""

from __future__ import annotations

from collections.abc import Iterator

from certs.paire import Paire
from conformance.assertion import Constat, Empeche, check, equal, one_of
from conformance.boite import Pli, load_pair
from conformance.cible import Cible
from conformance.partenaire_courrier import Piece, Recu
from schemas.courrier import Accuse, FichierAccuse, Requete, Verdict, write_requete


def demande(c: Cible, nom: str = "DEM.xml") -> Piece:
    """A new demande of the guichet that writes by mail."""
    return Piece(nom, c.document("courrier"))


def requete(operation: str, **parametres: str) -> Piece:
    """What asks for an operation that needs no file."""
    return Piece("requete.xml", write_requete(Requete(operation, parametres=parametres)))


def ask(c: Cible, pli: Pli, expediteur: str | None = None) -> Recu:
    """Send, and the answer. Raises Empeche when there is none."""
    c.boite.send(pli, expediteur)
    recu = c.boite.answer(pli)
    if recu is None:
        raise Empeche("aucune réponse au message n'est venue")
    return recu


def answered(c: Cible, quoi: str, pli: Pli, expediteur: str | None = None) -> Iterator[Constat]:
    """The mail is answered, and its one file accepted."""
    c.boite.send(pli, expediteur)
    recu = c.boite.answer(pli)
    yield check(f"{quoi} : réponse", recu is not None, "aucune", "une réponse")
    assert recu is not None
    found = told(recu)
    yield equal(f"{quoi} : verdicts", ["ACCEPTE"], [str(each.verdict) for each in found])


def accuse_of(recu: Recu) -> Accuse:
    """The accusé of an answer. Raises Empeche when it has none."""
    if recu.accuse is None:
        raise Empeche("la réponse n'a pas d'accuse.xml")
    return recu.accuse


def told(recu: Recu) -> list[FichierAccuse]:
    """What is said of each file."""
    return list(accuse_of(recu).fichiers)


def only(recu: Recu) -> FichierAccuse:
    """What is said of the one file. Raises Empeche when there are none or several."""
    found = told(recu)
    if len(found) != 1:
        raise Empeche(f"l'accusé dit {len(found)} fichiers, un était envoyé")
    return found[0]


def registered(c: Cible, piece: Piece) -> FichierAccuse:
    """A demande sent and accepted. Raises Empeche otherwise."""
    found = only(ask(c, c.boite.compose(piece)))
    if found.verdict is not Verdict.ACCEPTE:
        raise Empeche(f"l'enregistrement préalable par courrier a été {found.verdict} {found.code}")
    return found


def codes(recu: Recu) -> list[str]:
    """The codes that refuse a whole message."""
    return [each.code for each in accuse_of(recu).anomalies]


def refused(c: Cible, quoi: str, pli: Pli, *attendus: str) -> Iterator[Constat]:
    """The message is refused as a whole, with one of those codes, and none of its files was handled."""
    c.boite.send(pli)
    recu = c.boite.answer(pli)
    yield check(f"{quoi} : réponse", recu is not None, "aucune", "un refus signé, 20 par heure au plus")
    assert recu is not None
    yield equal(f"{quoi} : nature", "refus", recu.nature)
    yield one_of(f"{quoi} : code", attendus, ", ".join(codes(recu)))
    yield equal(f"{quoi} : fichiers de réponse", 0, len(recu.fichiers))


def not_handled(c: Cible, piece: Piece) -> Constat:
    """The demande of a message that was refused is new when it comes well."""
    found = only(ask(c, c.boite.compose(piece)))
    return equal("le même fichier, bien envoyé ensuite", str(Verdict.ACCEPTE), str(found.verdict))


def silent(c: Cible, quoi: str, *plis: Pli) -> Constat:
    """Nothing has answered them, though later messages were answered."""
    for _ in range(2):
        ask(c, c.boite.compose(requete("getDemandeLogement", numUnique="0" * 18)))
    found = sum(len(c.boite.answers(each)) for each in plis)
    return equal(quoi, 0, found)


def pair(c: Cible, nom: str) -> Paire:
    """The pair of `[certificats]` of that name. Raises Absente when the profile has it not."""
    identite = c.certificat(nom)
    return load_pair(identite.certificat, identite.cle)
