"""Family 09, of a partner: what its robot does with the mails of the hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from certs.autorite import create_autorite
from certs.enveloppe import encrypt
from certs.paire import Paire, load_paire
from conformance.assertion import Capacite, Constat, check, client, equal
from conformance.boite import Pli
from conformance.donnees import put
from conformance.partenaire_courrier import Piece, Recu, signed_entity, tamper
from conformance.pupitre import Pupitre
from schemas.courrier import Accuse, Repetition, Verdict, write_accuse, write_repetition

_COURRIER = (Capacite.COURRIER,)


def _distribution(p: Pupitre, contenu: bytes, ident: str = "", signataire: Paire | None = None) -> Pli:
    sequence = p.sequences(1)
    piece = Piece(f"DIS{p.code}-202603161030-{sequence % 1_000_000:06d}.xml", contenu)
    return p.boite.tell("distribution", p.code, sequence, piece, ident=ident, signataire=signataire)


def _accuses(p: Pupitre, ident: str) -> list[Accuse]:
    """Those of that mail, so far."""
    found = [each.accuse for each in list(p.boite.partenaire.recus) if each.accuse is not None]
    return [each for each in found if each.message == ident]


def _accused(p: Pupitre, pli: Pli, nombre: int = 1) -> list[Accuse]:
    """Those of that mail, once there are that many or the time is over."""

    def told(recus: list[Recu]) -> bool:
        return sum(each.accuse is not None and each.accuse.message == pli.id for each in recus) >= nombre

    p.boite.wait(told)
    return _accuses(p, pli.id)


def _acknowledges(p: Pupitre, pli: Pli, contenu: bytes, *verdicts: Verdict) -> Iterator[Constat]:
    """It is sent, and acknowledged once more, for these very bytes."""
    before = len(_accuses(p, pli.id))
    p.boite.send(pli)
    found = _accused(p, pli, before + 1)
    yield check("accusé", len(found) > before, "aucun", "un")
    last = found[-1]
    expected = [str(each) for each in verdicts or (Verdict.RECU,)]
    yield check("verdict", str(last.verdict) in expected, str(last.verdict), " ou ".join(expected))
    digests = [each.empreinte.hex() for each in last.fichiers]
    yield equal("empreinte du fichier", [hashlib.sha256(contenu).hexdigest()], digests)


def _ignored(p: Pupitre, quoi: str, *plis: Pli) -> Iterator[Constat]:
    """They are sent, then a good distribution: that one alone is acknowledged."""
    for each in plis:
        p.boite.send(each)
    contenu = p.document("DIS")
    yield from _acknowledges(p, _distribution(p, contenu), contenu)
    yield equal(f"{quoi} : accusés", 0, sum(len(_accuses(p, each.id)) for each in plis))


def _stranger() -> Paire:
    now = datetime.now(UTC)
    made = create_autorite("Autorité inconnue", now=now).issue_guichet("HUB00", now=now)
    return load_paire(made.chaine, made.cle)


@client(
    "C0907",
    "COU-40",
    titre="Une distribution est accusée : message égal à X-Echangeur-Id, RECU, l'empreinte du fichier",
    conduite="Garder le fichier, puis envoyer accuse.xml signé et chiffré.",
    exige=_COURRIER,
)
def acknowledges(p: Pupitre) -> Iterator[Constat]:
    contenu = p.document("DIS")
    yield from _acknowledges(p, _distribution(p, contenu), contenu)


@client(
    "C0908",
    "COU-40",
    "COU-41",
    titre="La même distribution reçue deux fois est accusée deux fois, la seconde DEJA_RECU",
    conduite="Reconnaître X-Echangeur-Id, ne pas traiter deux fois, accuser quand même.",
    exige=_COURRIER,
    apres=("C0907",),
)
def knows_it_again(p: Pupitre) -> Iterator[Constat]:
    contenu = p.document("DIS")
    pli = _distribution(p, contenu)
    yield from _acknowledges(p, pli, contenu)
    yield from _acknowledges(p, pli, contenu, Verdict.DEJA_RECU)


@client(
    "C0909",
    "CER-14",
    "COU-4",
    titre="Une distribution signée par un autre que l'échangeur n'est pas accusée",
    conduite="Vérifier la signature et comparer l'empreinte du signataire à celle de l'échangeur.",
    exige=_COURRIER,
    apres=("C0907",),
)
def refuses_a_stranger(p: Pupitre) -> Iterator[Constat]:
    yield from _ignored(p, "autre signataire", _distribution(p, p.document("DIS"), signataire=_stranger()))


@client(
    "C0910",
    "CER-14",
    titre="Une distribution abîmée, ou dont le contenu a changé après la signature, n'est pas accusée",
    conduite="Ne rien faire d'un contenu avant d'en avoir vérifié la signature.",
    exige=_COURRIER,
    apres=("C0907",),
)
def refuses_the_altered(p: Pupitre) -> Iterator[Constat]:
    entity = p.boite.sign(Piece("DIS.xml", p.document("DIS")))
    target = [p.boite.partenaire.echangeur.chiffrement]
    spoiled = p.boite.report(tamper(encrypt(signed_entity(entity), target)), p.code)
    changed = p.boite.report(encrypt(p.boite.forge(p.document("DIS")), target), p.code)
    yield from _ignored(p, "message abîmé ou changé", spoiled, changed)


@client(
    "C0911",
    "CER-22",
    titre="Une distribution chiffrée pour un autre n'est pas accusée, et la suivante l'est",
    conduite="Laisser ce qui ne s'ouvre pas ; continuer.",
    exige=_COURRIER,
    apres=("C0907",),
)
def leaves_what_is_not_its_own(p: Pupitre) -> Iterator[Constat]:
    entity = signed_entity(p.boite.sign(Piece("DIS.xml", p.document("DIS"))))
    other = p.boite.report(encrypt(entity, [_stranger().certificat]), p.code)
    yield from _ignored(p, "autre destinataire", other)


@client(
    "C0912",
    "COU-43",
    "COU-42",
    titre="Un accusé, un refus ou un avis ne se répondent pas",
    conduite="N'accuser que les distributions et les répétitions : deux robots s'écriraient sans fin.",
    exige=_COURRIER,
    apres=("C0907",),
)
def no_loop(p: Pupitre) -> Iterator[Constat]:
    now = datetime.now(UTC)
    accuse = Piece("accuse.xml", write_accuse(Accuse("kit@kit.example", now, Verdict.REFUSE)))
    plis = [p.boite.tell(nature, p.code, 0, accuse) for nature in ("reponse", "refus")]
    plis.append(p.boite.tell("avis", p.code, 0, Piece("avis-certificat.txt", b"Avis.\n")))
    yield from _ignored(p, "réponse, refus, avis", *plis)


@client(
    "C0913",
    "COU-40",
    "DST-12",
    titre="L'empreinte accusée est celle des octets reçus, fins de ligne et accents compris",
    conduite="Calculer le SHA-256 du fichier tel qu'il est joint, avant toute lecture.",
    exige=_COURRIER,
    apres=("C0907",),
)
def digests_the_bytes(p: Pupitre) -> Iterator[Constat]:
    for end in (b"\r\n", b"\n\n"):
        contenu = p.document("DIS") + end
        yield from _acknowledges(p, _distribution(p, contenu), contenu)


@client(
    "C0914",
    "VIE-51",
    "COU-40",
    titre="Une suppression, de type SUP, est accusée",
    conduite="Admettre SUP : la demande n'est plus à suivre.",
    exige=_COURRIER,
    apres=("C0907",),
)
def takes_a_suppression(p: Pupitre) -> Iterator[Constat]:
    contenu = put(p.document("SUP"), "typeFichier", "SUP")
    yield from _acknowledges(p, _distribution(p, contenu), contenu)


@client(
    "C0915",
    "CER-57",
    titre="Une répétition est accusée, signée et chiffrée avec les clés qu'elle nomme",
    conduite="Lire repetition.xml ; signer avec le certificat de signer, chiffrer pour celui de chiffrer.",
    exige=_COURRIER,
    apres=("C0907",),
)
def rehearses(p: Pupitre) -> Iterator[Constat]:
    robot = p.boite.partenaire
    ident = p.ident()
    repetition = Repetition(
        ident,
        bytes.fromhex(robot.echangeur.empreinte),
        bytes.fromhex(robot.paire.certificat.empreinte),
        datetime.now(UTC) + timedelta(days=1),
    )
    piece = Piece("repetition.xml", write_repetition(repetition))
    pli = p.boite.tell("repetition", p.code, 0, piece, ident=ident)
    p.boite.send(pli)
    found = _accused(p, pli)
    yield check("accusé", bool(found), "aucun", "un")
    yield equal("verdict", str(Verdict.RECU), str(found[-1].verdict))
