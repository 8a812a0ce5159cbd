"""A PDF is admitted when it is inert: no script, no launch, no hidden file, nothing that cannot be read
([PIE-24], [PIE-25]).

Not a PDF reader but a suspicious scanner: it does not follow the cross-reference table, which a hostile file
may make lie, it reads all the bytes from the first to the last. What lies between ``stream`` and
``endstream`` is image or text and is only searched for names too long to occur by chance; an object stream,
which holds objects, is inflated and read like the rest. What hides its objects in another way (encryption,
another filter on an object stream) is refused because it cannot be read.
"""

from __future__ import annotations

import mmap
import re
import zlib
from typing import Final

from registry.anomalies import Anomalie
from registry.anomalies_pieces import CONTENU_ACTIF, FICHIER_ABIME, FICHIER_DOUBLE, INVERIFIABLE

Donnees = bytes | mmap.mmap

FENETRE: Final = 256 << 10
_RECOUVREMENT: Final = 512

GONFLE_MAX: Final = 128 << 20
"""Bytes of all the object streams of a file once inflated. They hold structure, not images: 20 MB of PDF have
some 2 MB of them. Threat: a deflate bomb (1,000 times); inflating stops here after a third of a second."""

_DICTIONNAIRE_MAX: Final = 32 << 10
"""Bytes before ``stream`` in which its dictionary is looked for; real ones have some 300."""

# The end of a name: a delimiter or a blank (ISO 32000-1 §7.2.2); what is looked at ends with one.
_FIN: Final = rb"(?=[\x00\t\n\f\r ()<>\[\]{}/%])"
_ACTIFS: Final = {
    b"JavaScript": "script",
    b"JS": "script",
    b"Launch": "lancement de programme",
    b"ImportData": "lecture d'un autre fichier",
    b"GoToE": "renvoi à un fichier inclus",
    b"EmbeddedFile": "fichier inclus",
    b"EmbeddedFiles": "fichier inclus",
    b"RichMedia": "contenu multimédia",
    b"XFA": "formulaire programmable",
}
_NOMS: Final = re.compile(rb"/(" + rb"|".join(sorted(_ACTIFS, reverse=True)) + rb")" + _FIN)
# In a stream, names of at least six letters: shorter ones occur by chance in 20 MB of image.
_NOMS_LONGS: Final = re.compile(
    rb"/(" + rb"|".join(sorted((n for n in _ACTIFS if len(n) >= 6), reverse=True)) + rb")" + _FIN
)
_CHIFFRE: Final = re.compile(rb"/Encrypt" + _FIN)
_ECHAPPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
# Readers skip to the end of the line, whatever it holds.
_STREAM: Final = re.compile(rb"(?<![A-Za-z])stream(?![A-Za-z])[^\r\n]{0,80}(?:\r\n|\n|\r)")
_ENDSTREAM: Final = b"endstream"
_OBJETS: Final = re.compile(rb"/(?:ObjStm|First)" + _FIN)
_FILTRES: Final = re.compile(rb"/(?:[A-Z0-9a-z]+Decode|Fl|AHx|A85|LZW|RL|Crypt)" + _FIN)
_PREDICTEUR: Final = re.compile(rb"/Predictor\s+(?!1\b)\d")


def check_pdf(donnees: Donnees) -> Anomalie | None:
    """Why this PDF is refused, or None. `donnees` begins with ``%PDF-``."""
    fin = donnees.rfind(b"%%EOF")
    if fin < 0 or donnees.rfind(b"startxref", max(0, fin - 1024), fin) < 0:
        return FICHIER_ABIME("la fin manque", "PDF")
    if donnees[fin + 5 :].strip(b"\x00\t\n\f\r "):
        return FICHIER_DOUBLE("des données suivent la fin du PDF")
    place, gonfle = 0, 0
    while True:
        debut = _next_stream(donnees, place)
        if isinstance(debut, Anomalie):
            return debut
        if debut is None:
            return None
        corps, dictionnaire = debut
        terme = donnees.find(_ENDSTREAM, corps)
        if terme < 0:
            return FICHIER_ABIME("un flux ne finit pas", "PDF")
        fautif = _scan(donnees, corps, terme, _NOMS_LONGS)
        if fautif is not None:
            return fautif
        if _OBJETS.search(dictionnaire):
            lu = _read_objects(donnees, corps, terme, dictionnaire, GONFLE_MAX - gonfle)
            if isinstance(lu, Anomalie):
                return lu
            gonfle += lu
        place = terme + len(_ENDSTREAM)


def _next_stream(donnees: Donnees, place: int) -> tuple[int, bytes] | Anomalie | None:
    """Read the structure from `place` to the next stream: where its content starts, and its dictionary."""
    depart, taille = place, len(donnees)
    while place < taille:
        limite = min(place + FENETRE, taille)
        trouve = _STREAM.search(donnees, place, min(limite + _RECOUVREMENT, taille))
        fin = trouve.start() if trouve else limite
        fautif = _scan(donnees, max(depart, place - _RECOUVREMENT), fin, _NOMS)
        if fautif is not None:
            return fautif
        if trouve:
            dictionnaire = donnees[max(depart, fin - _DICTIONNAIRE_MAX) : fin]
            return trouve.end(), _plain(dictionnaire.rpartition(b"endobj")[2]) + b" "
        place = limite
    return None


def _plain(octets: bytes) -> bytes:
    """Names as the reader has them: ``/J#53`` is ``/JS`` (ISO 32000-1 §7.3.5)."""
    if b"#" not in octets:
        return octets
    return _ECHAPPE.sub(lambda trouve: bytes((int(trouve[1], 16),)), octets)


def _scan(donnees: Donnees, debut: int, fin: int, noms: re.Pattern[bytes]) -> Anomalie | None:
    """Look for `noms` from `debut` to `fin`, by windows. What `fin` cuts is whole."""
    while debut < fin:
        limite = min(debut + FENETRE, fin)
        bloc = donnees[debut : min(limite + _RECOUVREMENT, fin)]
        fautif = _judge(bloc + b" " if limite == fin else bloc, noms)
        if fautif is not None:
            return fautif
        debut = limite
    return None


def _judge(bloc: bytes, noms: re.Pattern[bytes]) -> Anomalie | None:
    bloc = _plain(bloc)
    trouve = noms.search(bloc)
    if trouve:
        return CONTENU_ACTIF(_ACTIFS[trouve[1]])
    if noms is _NOMS and _CHIFFRE.search(bloc):
        return INVERIFIABLE("il est protégé par un mot de passe ou des restrictions")
    return None


def _read_objects(donnees: Donnees, debut: int, fin: int, dictionnaire: bytes, reste: int) -> int | Anomalie:
    """Read an object stream, of `reste` bytes at most once inflated; its size, inflated."""
    filtres = {nom[1:] for nom in _FILTRES.findall(dictionnaire)}
    if filtres - {b"FlateDecode", b"Fl"} or _PREDICTEUR.search(dictionnaire):
        return INVERIFIABLE("ses objets sont codés d'une façon inhabituelle")
    if not filtres:
        return _scan(donnees, debut, fin, _NOMS) or fin - debut
    gonfleur, taille, queue = zlib.decompressobj(), 0, b""
    entree = b""
    while not gonfleur.eof:
        if not entree:
            entree = donnees[debut : min(debut + FENETRE, fin)]
            debut += len(entree)
        try:
            sortie = gonfleur.decompress(entree, FENETRE)
        except zlib.error:
            return INVERIFIABLE("un groupe d'objets ne se décompresse pas")
        entree = gonfleur.unconsumed_tail
        taille += len(sortie)
        if taille > reste:
            return INVERIFIABLE("il se décompresse en un volume démesuré")
        fautif = _judge(queue + sortie, _NOMS)
        if fautif is not None:
            return fautif
        queue = (queue + sortie)[-_RECOUVREMENT:]
        if not sortie and not entree and debut >= fin:
            break
    return _judge(queue + b" ", _NOMS) or taille
