"""Family 09, of a hub: the messages that it must not handle, and to whom it says so."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile

from certs.enveloppe import encrypt
from conformance.assertion import Capacite, Constat, check, equal, serveur
from conformance.boite import Pli
from conformance.cible import Cible
from conformance.courrier import answered, demande, not_handled, pair, refused, silent
from conformance.partenaire_courrier import Piece, signed_entity, tamper

_COURRIER = (Capacite.COURRIER,)
_OUVERTURE = "Refuser par COU003, un seul texte quelle que soit la cause ; l'écrire dans son journal."


def _sealed(c: Cible, piece: Piece) -> bytes:
    """The encrypted message of that file."""
    hub = c.boite.partenaire.echangeur.chiffrement
    return encrypt(signed_entity(c.boite.sign(piece)), [hub])


@serveur(
    "S0923",
    "COU-7",
    titre="Un message en clair n'est pas traité",
    conduite="Refuser tout message qui n'est pas chiffré.",
    exige=_COURRIER,
    apres=("S0901",),
)
def in_clear(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    entity = c.boite.partenaire.write_entity([piece])
    yield from refused(c, "en clair", c.boite.clear(entity), "COU003", "COU005")
    yield not_handled(c, piece)


@serveur(
    "S0924",
    "COU-7",
    titre="Un message signé sans être chiffré n'est pas traité",
    conduite="Refuser tout message qui n'est pas chiffré, même signé.",
    exige=_COURRIER,
    apres=("S0901",),
)
def signed_only(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    pli = c.boite.clear(signed_entity(c.boite.sign(piece)))
    yield from refused(c, "signé seulement", pli, "COU003", "COU005")
    yield not_handled(c, piece)


@serveur(
    "S0925",
    "COU-7",
    "COU-4",
    titre="Un message chiffré sans être signé n'est pas traité (COU003)",
    conduite=_OUVERTURE,
    exige=_COURRIER,
    apres=("S0901",),
)
def not_signed(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    pli = c.boite.seal(c.boite.partenaire.write_entity([piece]))
    yield from refused(c, "non signé", pli, "COU003", "COU005")
    yield not_handled(c, piece)


@serveur(
    "S0926",
    "COU-7",
    "CER-23",
    titre="Un message chiffré pour un autre n'est pas traité (COU003)",
    conduite=_OUVERTURE,
    exige=_COURRIER,
    apres=("S0901",),
)
def other_recipient(c: Cible) -> Iterator[Constat]:
    signed = signed_entity(c.boite.sign(demande(c)))
    pli = c.boite.seal(signed, pour=(c.stranger().certificat,))
    yield from refused(c, "autre destinataire", pli, "COU003")


@serveur(
    "S0927",
    "COU-7",
    "CER-23",
    titre="Un message chiffré abîmé en chemin n'est pas traité, et le refus ne dit pas pourquoi (COU003)",
    conduite=_OUVERTURE,
    exige=_COURRIER,
    apres=("S0901",),
)
def spoiled(c: Cible) -> Iterator[Constat]:
    plis = [c.boite.carry(tamper(_sealed(c, demande(c)))), c.boite.carry(b"\x30\x03abc")]
    texts = []
    for pli in plis:
        yield from refused(c, "abîmé", pli, "COU003")
        (recu,) = c.boite.answers(pli)[:1]
        texts.append([each.message for each in recu.accuse.anomalies] if recu.accuse else [])
    yield equal("texte des deux refus", texts[0], texts[1])


@serveur(
    "S0928",
    "COU-4",
    "CER-14",
    titre="Un contenu changé après la signature n'est pas traité (COU004)",
    conduite="Vérifier la signature avant de lire quoi que ce soit du contenu.",
    exige=_COURRIER,
    apres=("S0901",),
)
def altered(c: Cible) -> Iterator[Constat]:
    piece = Piece("DEM.xml", c.document("courrier"))
    yield from refused(c, "contenu changé", c.boite.seal(c.boite.forge(piece.contenu)), "COU004")
    yield not_handled(c, piece)


@serveur(
    "S0929",
    "CER-16",
    "COU-1",
    titre="Un message qui a deux signataires n'est pas traité",
    conduite="Exiger exactement un signataire : deux laissent le choix de l'émetteur.",
    exige=_COURRIER,
    apres=("S0901",),
)
def two_signers(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    ours = c.boite.partenaire.paire
    signed = c.boite.sign(piece, signataires=(ours, c.stranger()))
    yield from refused(
        c, "deux signataires", c.boite.seal(signed_entity(signed)), "COU003", "COU004", "COU005"
    )


@serveur(
    "S0930",
    "COU-2",
    "COU-8",
    titre="Une signature inconnue n'est pas crue, même d'une adresse connue et au nom d'un guichet",
    conduite="Identifier par l'empreinte du certificat qui a signé ; refuser (GUI001) à l'adresse déclarée.",
    exige=_COURRIER,
    apres=("S0901",),
)
def unknown_signer(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    yield from refused(c, "signataire inconnu", c.boite.compose(piece, signataire=c.stranger()), "GUI001")
    yield not_handled(c, piece)


@serveur(
    "S0931",
    "COU-8",
    titre="Un étranger ne reçoit rien",
    conduite="Mettre en quarantaine sans répondre ce que personne de connu n'a signé ni envoyé.",
    exige=_COURRIER,
    apres=("S0901",),
)
def stranger(c: Cible) -> Iterator[Constat]:
    fields = {"From": "inconnu@ailleurs.example"}
    pli = c.boite.compose(demande(c), signataire=c.stranger(), entetes=fields)
    c.boite.send(pli, "inconnu@ailleurs.example")
    yield silent(c, "réponses à l'étranger", pli)


@serveur(
    "S0932",
    "COU-8",
    titre="Un message automatique, ou sans expéditeur, ne reçoit pas de refus",
    conduite="Ne rien répondre à Auto-Submitted ni à une enveloppe vide : deux robots s'écriraient sans fin.",
    exige=_COURRIER,
    apres=("S0901",),
)
def automatic(c: Cible) -> Iterator[Constat]:
    spoiled = b"\x30\x03abc"
    auto = c.boite.carry(spoiled, {"Auto-Submitted": "auto-replied"})
    c.boite.send(auto)
    anonymous = c.boite.carry(spoiled)
    c.boite.send(anonymous, "")
    yield silent(c, "réponses", auto, anonymous)


def _by(c: Cible, nom: str, *codes: str) -> Iterator[Constat]:
    piece = demande(c)
    yield from refused(c, "signature", c.boite.compose(piece, signataire=pair(c, nom)), *codes)
    yield not_handled(c, piece)


@serveur(
    "S0933",
    "COU-14",
    titre="Une signature de certificat expiré n'est pas crue (GUI004)",
    conduite="Juger les dates du certificat à l'instant de la réception.",
    exige=_COURRIER,
    apres=("S0901",),
)
def expired(c: Cible) -> Iterator[Constat]:
    yield from _by(c, "courrier_expire", "GUI004")


@serveur(
    "S0934",
    "COU-14",
    titre="Une signature de certificat pas encore valide n'est pas crue (GUI003)",
    conduite="Juger les dates du certificat à l'instant de la réception, pas à celui qu'annonce la signature.",
    exige=_COURRIER,
    apres=("S0901",),
)
def not_yet(c: Cible) -> Iterator[Constat]:
    yield from _by(c, "courrier_futur", "GUI003")


@serveur(
    "S0935",
    "CER-4",
    "COU-14",
    titre="Une signature de certificat retiré n'est pas crue (GUI002)",
    conduite="Un certificat retiré n'ouvre plus rien.",
    exige=_COURRIER,
    apres=("S0901",),
)
def withdrawn(c: Cible) -> Iterator[Constat]:
    yield from _by(c, "courrier_retire", "GUI002", "GUI007")


@serveur(
    "S0936",
    "CER-4",
    "CER-36",
    titre="Une signature de certificat révoqué par son autorité n'est pas crue",
    conduite="Suivre la liste de révocation de l'autorité déclarée (GUI007, GUI008).",
    exige=_COURRIER,
    apres=("S0901",),
)
def revoked(c: Cible) -> Iterator[Constat]:
    yield from _by(c, "courrier_revoque", "GUI007", "GUI008")


@serveur(
    "S0937",
    "CER-1",
    titre="Une signature de certificat enregistré pour TLS seulement n'est pas crue (GUI006)",
    conduite="Un certificat ne sert qu'aux usages pour lesquels il est enregistré.",
    exige=_COURRIER,
    apres=("S0901",),
)
def other_usage(c: Cible) -> Iterator[Constat]:
    yield from _by(c, "courrier_tls", "GUI006")


def _signed_files(c: Cible, quoi: str, code: str, *pieces: Piece) -> Iterator[Constat]:
    yield from refused(c, quoi, c.boite.compose(*pieces), code)


@serveur(
    "S0938",
    "COU-6",
    titre="Un message sans fichier est refusé (COU006)",
    conduite="Le dire ; ne pas répondre par un accusé vide.",
    exige=_COURRIER,
    apres=("S0901",),
)
def nothing(c: Cible) -> Iterator[Constat]:
    yield from _signed_files(c, "sans fichier", "COU006")


def _zip(*pieces: Piece) -> Piece:
    packed = BytesIO()
    with ZipFile(packed, "w") as zipped, warnings.catch_warnings():
        # The same name twice is what is tried.
        warnings.simplefilter("ignore", UserWarning)
        for each in pieces:
            zipped.writestr(each.nom, each.contenu)
    return Piece("lot.zip", packed.getvalue())


@serveur(
    "S0939",
    "COU-6",
    titre="Une archive dans une archive, ou deux fichiers du même nom, sont refusés (COU007)",
    conduite="Refuser l'archive entière : ce qui s'y cache ne se compte pas.",
    exige=_COURRIER,
    apres=("S0909",),
)
def bad_archive(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    yield from _signed_files(c, "archive dans une archive", "COU007", _zip(_zip(piece)))
    yield from _signed_files(c, "deux fichiers du même nom", "COU007", _zip(piece, demande(c)))
    yield not_handled(c, piece)


@serveur(
    "S0940",
    "COU-15",
    titre="Une adresse qui n'est pas celle de l'échangeur est refusée à l'enveloppe (550)",
    conduite="Ne relayer pour personne.",
    exige=_COURRIER,
)
def other_address(c: Cible) -> Iterator[Constat]:
    code = c.boite.command(destinataire="quelquun@ailleurs.example")
    yield check("réponse à RCPT", 550 <= code <= 559, code, "550")


@serveur(
    "S0941",
    "COU-5",
    titre="Un message qui s'annonce démesuré est refusé avant d'être reçu",
    conduite="Annoncer SIZE et refuser (552) ce qui le dépasse.",
    exige=_COURRIER,
)
def huge(c: Cible) -> Iterator[Constat]:
    code = c.boite.command(f"SIZE={1 << 40}")
    yield check("réponse", 500 <= code <= 599, code, "552")


@serveur(
    "S0942",
    "COU-8",
    titre="Après un message refusé, le suivant est traité",
    conduite="Une quarantaine n'arrête pas la boîte.",
    exige=_COURRIER,
    apres=("S0901",),
)
def goes_on(c: Cible) -> Iterator[Constat]:
    bad: Pli = c.boite.carry(b"\x30\x03abc")
    c.boite.send(bad, "")
    yield from answered(c, "message suivant", c.boite.compose(demande(c)))
