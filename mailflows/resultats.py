"""What became of the files of a message, kept until the answer is written, then made into its parts.

A message may have tens of thousands of files: their results are read from where they are kept, a part at a
time ([COU-35]).
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import msgspec
from sqlalchemy import Connection, text

from mailflows.anomalies import REPONSE_TROP_GRANDE
from mailflows.archives import write_archive
from mailflows.conventions import NOM_ACCUSE, NOM_ARCHIVE
from mailflows.message_emis import GROSSISSEMENT, write_entity
from registry.anomalies import Anomalie
from registry.echanges import Fichier
from schemas.courrier import Accuse, AnomalieDite, FichierAccuse, Verdict, write_accuse

EN_CLAIR_MAX: Final = 50
"""Files of an answer that are joined one by one; more of them make an archive."""

_ENTREE_ZIP: Final = 300
"""Bytes of an entry of an archive, beside its content and whatever its name."""

_NOM_REPONSE: Final = 60
"""Bytes that the name of a file of the answer takes in the accusé."""


@dataclass(frozen=True, slots=True)
class Resultat:
    """What became of one file, with the files of the answer."""

    rang: int
    accuse: FichierAccuse
    fichiers: tuple[Fichier, ...] = ()


class Lecteur(Protocol):
    """Reads the results of a message, by rank, after `apres` up to `jusque`."""

    def __call__(self, apres: int = 0, jusque: int | None = None) -> Iterable[Resultat]: ...


_SAVE: Final = text("""
    INSERT INTO courrier_fichier (courrier, rang, nom, empreinte, operation, echange, verdict, code, numero,
        reponse)
    VALUES (:courrier, :rang, :nom, :empreinte, :operation, :echange, :verdict, :code, :numero, :reponse)
    ON CONFLICT (courrier, rang) DO NOTHING
""")


_LOT: Final = 100
"""Results read at once."""

_LOAD: Final = text("""
    SELECT rang, reponse FROM courrier_fichier
    WHERE courrier = :id AND rang > :apres AND reponse IS NOT NULL
        AND (CAST(:jusque AS integer) IS NULL OR rang <= CAST(:jusque AS integer))
    ORDER BY rang LIMIT :lot
""")


def save(conn: Connection, courrier: uuid.UUID, resultats: Sequence[Resultat]) -> None:
    """Keep results: after an interruption their files are not handled again."""
    if resultats:
        conn.execute(_SAVE, [_row(courrier, resultat) for resultat in resultats])


def list_rangs(conn: Connection, courrier: uuid.UUID) -> set[int]:
    """The ranks whose results are kept, of a message whose answer is not written yet."""
    return set(
        conn.scalars(
            text("SELECT rang FROM courrier_fichier WHERE courrier = :id AND reponse IS NOT NULL"),
            {"id": courrier},
        )
    )


def load(
    conn: Connection, courrier: uuid.UUID, apres: int = 0, jusque: int | None = None
) -> Iterator[Resultat]:
    """The results kept for a message, by rank, after `apres` up to `jusque`; a few at a time in memory."""
    while jusque is None or apres < jusque:
        lignes = conn.execute(_LOAD, {"id": courrier, "apres": apres, "jusque": jusque, "lot": _LOT}).all()
        for _, reponse in lignes:
            yield msgspec.msgpack.decode(zlib.decompress(reponse), type=Resultat)
        if len(lignes) < _LOT:
            return
        apres = lignes[-1].rang


def reader(conn: Connection, courrier: uuid.UUID, nombre: int) -> Lecteur:
    """`load` for a message of that many files: few results are read once, and held."""
    if nombre > _LOT:
        return partial(load, conn, courrier)
    held = tuple(load(conn, courrier))
    return lambda apres=0, jusque=None: (
        each for each in held if apres < each.rang and (jusque is None or each.rang <= jusque)
    )


def forget(conn: Connection, courrier: uuid.UUID) -> None:
    """Let go of the contents, once the answer is written: nominative, and in the outbox."""
    conn.execute(text("UPDATE courrier_fichier SET reponse = NULL WHERE courrier = :id"), {"id": courrier})


def tell(anomalies: Iterable[Anomalie]) -> tuple[AnomalieDite, ...]:
    """Anomalies as an accusé tells them."""
    return tuple(
        AnomalieDite(
            anomalie.code,
            anomalie.message,
            anomalie.type.conduite,
            anomalie.type.tour.value,
            anomalie.type.rejouable,
        )
        for anomalie in anomalies
    )


@dataclass(frozen=True, slots=True)
class Tete:
    """What every part of an answer says: of which message, and the warnings."""

    message: str
    empreinte: bytes
    recu_le: datetime
    avertissements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """How an answer is cut.

    fins: rank of the last file of each part. archive: whether what is joined is in an archive. verdict: the
    worst of all, which every part says. budget: bytes of what a part may hold.
    """

    fins: tuple[int, ...]
    archive: bool
    verdict: Verdict
    budget: int

    def parts(self) -> Iterator[tuple[int, int, int]]:
        """Number of each part, from 1; the rank after which it begins; that at which it ends."""
        for rang, (debut, fin) in enumerate(zip((0, *self.fins), self.fins, strict=False), 1):
            yield rang, debut, fin


def plan(resultats: Callable[[], Iterable[Resultat]], taille_max: int) -> Plan:
    """How to cut an answer so that each part is small enough for a mail of `taille_max` bytes. Pure.

    resultats: gives all the results, in their order, each time it is called: they are read twice, because how
    the last is packed depends on how many there are, and never held together.
    """
    budget = int(taille_max / GROSSISSEMENT)
    joints, verdict = 0, Verdict.RECU
    order = list(Verdict)
    for rang, resultat in enumerate(resultats()):
        joints += len(resultat.fichiers)
        found = resultat.accuse.verdict
        verdict = found if rang == 0 else max(verdict, found, key=order.index)
    archive = joints > EN_CLAIR_MAX
    fins: list[int] = []
    used = 0
    for resultat in resultats():
        size = _size(_bounded(resultat, budget), archive=archive)
        if not fins or used + size > budget:
            fins.append(resultat.rang)
            used = 0
        fins[-1] = resultat.rang
        used += size
    return Plan(tuple(fins), archive, verdict, budget)


def compose(tete: Tete, plan: Plan, rang: int, resultats: Iterable[Resultat]) -> bytes:
    """The entity of one part of an answer, given the results that it is about. Pure.

    Each part has its accusé, about the files that it answers; few files are joined as they are, many in an
    archive.
    """
    bounded = [_bounded(resultat, plan.budget) for resultat in resultats]
    return _part(tete, bounded, plan.verdict, rang, len(plan.fins), archive=plan.archive)


def refuse(tete: Tete, anomalies: Sequence[Anomalie]) -> bytes:
    """The entity that refuses a whole message. Pure."""
    accuse = Accuse(
        tete.message,
        tete.recu_le,
        Verdict.REFUSE,
        tete.empreinte,
        tell(anomalies),
        tete.avertissements,
    )
    return write_entity([Fichier(NOM_ACCUSE, write_accuse(accuse))])


def _part(
    tete: Tete, resultats: list[Resultat], verdict: Verdict, rang: int, parties: int, *, archive: bool
) -> bytes:
    named = _unique(resultats)
    accuse = Accuse(
        message=tete.message,
        recu_le=tete.recu_le,
        verdict=verdict,
        empreinte=tete.empreinte,
        avertissements=tete.avertissements,
        fichiers=tuple(resultat.accuse for resultat in named),
        partie=rang,
        parties=parties,
    )
    fichiers = list({fichier.nom: fichier for resultat in named for fichier in resultat.fichiers}.values())
    if archive and fichiers:
        fichiers = [Fichier(NOM_ARCHIVE, write_archive(iter(fichiers)))]
    return write_entity([Fichier(NOM_ACCUSE, write_accuse(accuse)), *fichiers])


def _unique(resultats: list[Resultat]) -> list[Resultat]:
    """One name, one content: a file sent twice gets one answer, and two that differ never bear one name."""
    seen: dict[str, bytes] = {}
    named = []
    for resultat in resultats:
        fichiers = []
        for fichier in resultat.fichiers:
            nom = fichier.nom
            if seen.setdefault(nom, fichier.contenu) != fichier.contenu:
                nom = f"{resultat.rang}-{nom}"
                seen[nom] = fichier.contenu
            fichiers.append(Fichier(nom, fichier.contenu))
        noms = tuple(fichier.nom for fichier in fichiers)
        named.append(
            replace(resultat, accuse=replace(resultat.accuse, reponses=noms), fichiers=tuple(fichiers))
        )
    return named


def _size(resultat: Resultat, *, archive: bool) -> int:
    texts = sum(len(each.message) + len(each.conduite) for each in resultat.accuse.anomalies)
    size = len(resultat.accuse.nom) + texts + 300 + _NOM_REPONSE * len(resultat.fichiers)
    for fichier in resultat.fichiers:
        size += _packed(fichier) if archive else len(fichier.contenu) + _ENTREE_ZIP
    return size


def _bounded(resultat: Resultat, budget: int) -> Resultat:
    """A file of the answer that no mail could carry gives way to its anomalie."""
    total = sum(len(fichier.contenu) for fichier in resultat.fichiers)
    if total <= budget // 2:
        return resultat
    packed = sum(map(_packed, resultat.fichiers))
    if packed > budget:
        anomalies = tell((REPONSE_TROP_GRANDE(str(packed), str(budget)),))
        code = REPONSE_TROP_GRANDE.code
        return Resultat(resultat.rang, replace(resultat.accuse, code=code, anomalies=anomalies))
    if total <= budget:
        return resultat
    # Alone in an archive of its own: too large as it is, small enough once packed.
    (premier, *_) = resultat.fichiers
    packed_file = Fichier(f"{premier.nom}.zip", write_archive(iter(resultat.fichiers)))
    return replace(resultat, fichiers=(packed_file,))


def _packed(fichier: Fichier) -> int:
    return len(zlib.compress(fichier.contenu, 6)) + _ENTREE_ZIP


def _row(courrier: uuid.UUID, resultat: Resultat) -> dict[str, object]:
    accuse = resultat.accuse
    return {
        "courrier": courrier,
        "rang": resultat.rang,
        "nom": accuse.nom,
        "empreinte": accuse.empreinte,
        "operation": accuse.operation,
        "echange": uuid.UUID(accuse.echange),
        "verdict": accuse.verdict.value,
        "code": accuse.code,
        "numero": accuse.numero,
        "reponse": zlib.compress(msgspec.msgpack.encode(resultat), 1),
    }
