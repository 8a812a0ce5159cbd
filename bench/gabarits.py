"""From the rows of the model (bench.modele) to the rows of its copies.

A gabarit is one entry of the journal of the model with all the rows that belong to it, each as a format of
`%`: what differs from one copy to the next is a name between parentheses, the rest stays as the product wrote
it. `copies` fills them in.
"""

from __future__ import annotations

import hashlib
import random
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import Final
from xml.sax.saxutils import escape

import psycopg

from registry.identites import normalise
from registry.numero_unique import compose
from schemas.emission import format_instant
from schemas.tirage import lines

Ligne = dict[str, str]
"""A row in the text form of COPY, by column."""

# How a row is tied to an entry of the journal of the model.
_PAR_SEQUENCE: Final = {
    "journal": "sequence",
    "demande_version": "sequence_journal",
    "decision": "evenement",
    "releve_radiation": "sequence",
    "releve_dalo": "sequence",
}
_PAR_VERSION: Final = ("rejeu", "distribution")
_PAR_DEMANDE: Final = ("demande", "identite", "recherche", "detention", "dalo_statut")
_PAR_ECHANGE: Final = {"echange": "id", "echange_brut": "echange", "trace_lecture": "echange"}
_PAR_DISTRIBUTION: Final = {"tentative": "distribution"}
COPIEES: Final = (
    *_PAR_SEQUENCE,
    *_PAR_VERSION,
    *_PAR_DEMANDE,
    *_PAR_ECHANGE,
    *_PAR_DISTRIBUTION,
)
"""The tables whose rows are multiplied."""
COMPTEURS: Final = ("compteur_numero", "compteur_distribution", "chaine")
"""The tables whose rows sum up the others."""
REPRISES: Final = (
    "guichet",
    "certificat",
    "autorite_confiance",
    "avis_certificat",
    "verdict_certificat",
    "generation",
    "filtre",
    "filtre_version",
    "perimetre",
    "releve_coupure",
    "version_schema",
)
"""The tables that do not grow with the demandes."""

SEQUENCES: Final = {
    ("demande", "sequence_journal"),
    ("dalo_statut", "sequence"),
    *((table, colonne) for table, colonne in _PAR_SEQUENCE.items() if table != "journal"),
}
ECHANGES: Final = {("journal", "echange"), ("rejeu", "echange"), *_PAR_ECHANGE.items()}
_NULL: Final = r"\N"
_HEX: Final = r"\\x"
_MARQUE: Final = re.compile(r"QX[A-Z]{3}([NPR][A-Z])|qx[a-z]{3}([np][a-z])|1911-11-1([0-9])")
_CLE: Final = re.compile(r"(?P<a>\w+)\|(?P<b>\w+)\|1911-11-1(?P<jour>[0-9])")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+\+00")
_SUITE: Final = timedelta(minutes=10)
_FIXES: Final = {
    **dict.fromkeys(ECHANGES, "%(U)s"),
    ("journal", "sequence"): "%(S)d",
    ("journal", "precedent"): f"{_HEX}%(precedent)s",
    ("journal", "empreinte"): f"{_HEX}%(empreinte)s",
    ("journal", "document"): f"{_HEX}%(H)s",
    ("demande_version", "empreinte"): f"{_HEX}%(H)s",
    ("demande_version", "document"): "%(document)s",
    ("rejeu", "empreinte"): f"{_HEX}%(M)s",
    ("echange", "empreinte"): f"{_HEX}%(M)s",
    ("echange", "taille"): "%(taille)d",
    ("echange_brut", "octets"): f"{_HEX}%(octets)s",
}


@dataclass(frozen=True, slots=True)
class Gabarit:
    """One entry of the journal of the model.

    modele: rank of its demande; rang: of the entry among those of the demande, from 0.
    instant, nature, guichet, …: of the entry. naissances, noms, prenoms, cles: what the copies draw, for the
    demande; the same in all its entries. distributions: their guichets.
    document, fichier: formats of the emitted document and of the file received.
    lignes: table, columns, format of one row. entree: the same for the journal, whose seals are apart.
    """

    modele: int
    rang: int
    instants: tuple[datetime, ...]
    ecriture: Mapping[str, str]
    territoire: str
    depot: date
    guichet: str
    marques: tuple[str, ...]
    cles: tuple[tuple[str, str, str], ...]
    delais: tuple[tuple[int, timedelta], ...]
    distributions: tuple[str, ...]
    document: str
    fichier: str
    lignes: tuple[tuple[str, tuple[str, ...], str], ...]
    entree: tuple[tuple[str, ...], str]

    @property
    def instant(self) -> datetime:
        return self.instants[self.rang]


class TableInconnue(Exception):
    """The product writes a table that this generator does not copy: it has to learn it."""


def read_gabarits(conn: psycopg.Connection) -> list[Gabarit]:
    """The gabarits of a model, in the order of its journal. Raises TableInconnue."""
    tables = {table: _rows(conn, table) for table in _names(conn)}
    inconnues = [table for table, rows in tables.items() if rows and table not in _connues()]
    if inconnues:
        raise TableInconnue(", ".join(sorted(inconnues)))
    journal = sorted(tables["journal"], key=lambda row: int(row["sequence"]))
    demandes = {row["numero"]: row for row in tables["demande"]}
    rangs: dict[str, int] = {
        numero: rang for rang, numero in enumerate(dict.fromkeys(r["numero"] for r in journal))
    }
    entrees: dict[str, list[Ligne]] = {}
    for row in journal:
        entrees.setdefault(row["numero"], []).append(row)
    suite = _attach(tables, entrees)
    return [
        _Demande(rangs[row["numero"]], demandes[row["numero"]], entrees[row["numero"]]).gabarit(
            row, suite[row["sequence"]]
        )
        for row in journal
    ]


def _connues() -> frozenset[str]:
    return frozenset((*COPIEES, *COMPTEURS, *REPRISES))


def _names(conn: psycopg.Connection) -> list[str]:
    return [
        nom
        for (nom,) in conn.execute(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )
    ]


def columns(conn: psycopg.Connection, table: str) -> tuple[str, ...]:
    """The columns of a table, in their order, but for those that the database fills by itself."""
    return tuple(
        nom
        for (nom,) in conn.execute(
            "SELECT column_name::text FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO'"
            " ORDER BY ordinal_position",
            (table,),
        )
    )


def _rows(conn: psycopg.Connection, table: str) -> list[Ligne]:
    noms = columns(conn, table)
    with conn.cursor().copy(f"COPY {table} ({', '.join(noms)}) TO STDOUT") as copie:
        contenu = b"".join(bytes(bloc) for bloc in copie).decode()
    return [dict(zip(noms, ligne.split("\t"), strict=True)) for ligne in contenu.splitlines()]


def _attach(
    tables: Mapping[str, Sequence[Ligne]], entrees: Mapping[str, Sequence[Ligne]]
) -> dict[str, list[tuple[str, Ligne]]]:
    """The rows of each entry of the journal, by its sequence."""
    suite: dict[str, list[tuple[str, Ligne]]] = {
        row["sequence"]: [] for rows in entrees.values() for row in rows
    }
    versions = {(row["numero"], row["version"]): row["sequence"] for rows in entrees.values() for row in rows}
    echanges = {row["echange"]: row["sequence"] for rows in entrees.values() for row in rows}
    distributions: dict[str, str] = {}
    for table in COPIEES:
        for row in tables[table]:
            if table in _PAR_SEQUENCE:
                sequence = row[_PAR_SEQUENCE[table]]
            elif table in _PAR_VERSION:
                sequence = versions[row["numero"], row["version"]]
            elif table in _PAR_ECHANGE:
                sequence = echanges[row[_PAR_ECHANGE[table]]]
            elif table in _PAR_DISTRIBUTION:
                sequence = distributions[row[_PAR_DISTRIBUTION[table]]]
            else:
                sequence = entrees[row["numero"]][0]["sequence"]
            if table == "distribution":
                distributions[row["id"]] = sequence
            suite[sequence].append((table, row))
    return suite


class _Demande:
    """One demande of the model, and how what is its own becomes what is its copies'."""

    def __init__(self, modele: int, demande: Ligne, entrees: Sequence[Ligne]) -> None:
        self._modele = modele
        self._demande = demande
        self._instants = tuple(datetime.fromisoformat(row["instant"]) for row in entrees)
        self._ordres = {row["sequence"]: rang for rang, row in enumerate(entrees)}
        self._marques: set[str] = set()
        self._cles: list[tuple[str, str, str]] = []
        self._delais: set[tuple[int, timedelta]] = set()
        self._textes = {demande["numero"]: "%(N)s"} | {
            format_instant(instant): f"%(F{rang})s" for rang, instant in enumerate(self._instants)
        }

    def gabarit(self, entree: Ligne, rows: Sequence[tuple[str, Ligne]]) -> Gabarit:
        """That of one entry of the journal and its rows."""
        distributions = [row for table, row in rows if table == "distribution"]
        places = {row["id"]: place for place, row in enumerate(distributions)}
        (version,) = (row for table, row in rows if table == "demande_version")
        (brut,) = (row for table, row in rows if table == "echange_brut")
        lignes = [
            (
                table,
                tuple(row),
                "\t".join(
                    valeur if valeur == _NULL else self._value((table, nom), valeur, row, places)
                    for nom, valeur in row.items()
                ),
            )
            for table, row in rows
        ]
        document = self._format(_bytes(version["document"]).decode())
        fichier = self._format(zlib.decompress(_bytes(brut["octets"])).decode())
        return Gabarit(
            modele=self._modele,
            rang=self._ordres[entree["sequence"]],
            instants=self._instants,
            ecriture=entree,
            territoire=self._demande["territoire"],
            depot=date.fromisoformat(self._demande["date_depot"]),
            guichet=self._demande["guichet"],
            marques=tuple(sorted(self._marques)),
            cles=tuple(self._cles),
            delais=tuple(self._delais),
            distributions=tuple(row["guichet"] for row in distributions),
            document=document,
            fichier=fichier,
            lignes=tuple(ligne for ligne in lignes if ligne[0] != "journal"),
            entree=next(ligne[1:] for ligne in lignes if ligne[0] == "journal"),
        )

    def _value(self, ou: tuple[str, str], valeur: str, row: Ligne, places: Mapping[str, int]) -> str:
        """One value of a row, as a format."""
        if ou in _FIXES:
            return _FIXES[ou]
        if ou in SEQUENCES:
            return f"%(S{self._ordres[valeur]})d"
        if ou in (("distribution", "id"), ("tentative", "distribution")):
            return f"%(V{places[valeur]})s"
        if ou == ("distribution", "sequence"):
            return f"%(Q{places[row['id']]})d"
        if ou == ("identite", "cle"):
            return self._key(valeur)
        if _INSTANT.fullmatch(valeur):
            return self._instant(valeur)
        return self._format(valeur)

    def _instant(self, valeur: str) -> str:
        """An instant of an entry, or one that follows it closely: the end of a lease."""
        instant = datetime.fromisoformat(valeur)
        for rang, connu in enumerate(self._instants):
            if timedelta(0) <= instant - connu <= _SUITE:
                self._delais.add((rang, instant - connu))
                return f"%({_name_delay(rang, instant - connu)})s"
        return valeur

    def _key(self, valeur: str) -> str:
        found = _CLE.fullmatch(valeur)
        assert found is not None, valeur
        self._cles.append((found["a"][5:], found["b"][5:], f"D{found['jour']}"))
        return f"%(K{len(self._cles) - 1})s"

    def _format(self, texte: str) -> str:
        texte = texte.replace("%", "%%")
        for connu, remplace in self._textes.items():
            texte = texte.replace(connu, remplace)
        return _MARQUE.sub(self._mark, texte)

    def _mark(self, found: re.Match[str]) -> str:
        nom = found[1] or found[2] or f"D{found[3]}"
        self._marques.add(nom.upper())
        return f"%({nom})s"


def _name_delay(rang: int, delai: timedelta) -> str:
    return f"I{rang}+{delai.total_seconds():.0f}"


def _bytes(valeur: str) -> bytes:
    return bytes.fromhex(valeur.removeprefix(_HEX))


# --- copies -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tranche:
    """Where the copies of a gabarit stand in the stock.

    sequences: journal entry of the first copy, for each entry of the demande. numero: sequence of its number.
    distributions: sequence of the first copy for each distribution. pas: time from one copy to the next, for
    each entry.
    """

    copies: int
    sequences: tuple[int, ...]
    numero: int
    distributions: tuple[int, ...]
    pas: tuple[timedelta, ...]


@dataclass(slots=True)
class Remplissage:
    """Rows of copies, by table and columns; and what the journal is to seal: number, exchange, SHA-256 of the
    document, instant, of each copy."""

    lignes: dict[tuple[str, tuple[str, ...]], list[str]]
    scelles: list[tuple[str, str, str]]


def fill(gabarit: Gabarit, tranche: Tranche, graine: str, *, bruts: bool) -> Remplissage:
    """The copies of a gabarit. bruts: with the raw bytes of the exchanges, or without, as after a purge."""
    tirages = _draw(f"{graine} {gabarit.modele}", gabarit.marques, tranche.copies)
    rng = random.Random(f"{graine} {gabarit.modele} {gabarit.rang}")
    numeros = numbers(gabarit, tranche)
    voulues = [ligne for ligne in gabarit.lignes if bruts or ligne[0] != "echange_brut"]
    lignes: dict[tuple[str, tuple[str, ...]], list[str]] = {ligne[:2]: [] for ligne in voulues}
    destinations = [(lignes[ligne[:2]].append, ligne[2]) for ligne in voulues]
    scelles = []
    for copie in range(tranche.copies):
        v: dict[str, object] = {marque: valeurs[copie] for marque, valeurs in tirages.items()}
        v["N"] = numeros[copie]
        for rang, (instant, pas) in enumerate(zip(gabarit.instants, tranche.pas, strict=True)):
            exact = instant + copie * pas
            v[f"F{rang}"] = format_instant(exact)
            v[f"S{rang}"] = tranche.sequences[rang] + copie
        for rang, delai in gabarit.delais:
            exact = gabarit.instants[rang] + copie * tranche.pas[rang] + delai
            v[_name_delay(rang, delai)] = exact.isoformat(sep=" ", timespec="milliseconds")
        millisecondes = int((gabarit.instant + copie * tranche.pas[gabarit.rang]).timestamp() * 1000)
        v["U"] = _uuid7(millisecondes, rng)
        for place, premiere in enumerate(tranche.distributions):
            v[f"V{place}"] = _uuid7(millisecondes, rng)
            v[f"Q{place}"] = premiere + copie
        for place, (a, b, jour) in enumerate(gabarit.cles):
            premier, second = sorted((str(v[a]), str(v[b])))
            v[f"K{place}"] = f"{premier}|{second}|{v[jour]}"
        document = gabarit.document % v
        v["document"] = _escape(document)
        v["H"] = hashlib.sha256(document.encode()).hexdigest()
        fichier = (gabarit.fichier % v).encode()
        v["taille"] = len(fichier)
        v["M"] = hashlib.sha256(fichier).hexdigest()
        if bruts:
            v["octets"] = zlib.compress(fichier, 1).hex()
        for append, format_ in destinations:
            append(format_ % v)
        scelles.append((str(v["N"]), str(v["U"]), str(v["H"])))
    return Remplissage(lignes, scelles)


def numbers(gabarit: Gabarit, tranche: Tranche) -> list[str]:
    """The numéros uniques of the copies."""
    return [
        str(compose(gabarit.territoire, gabarit.depot, tranche.numero + copie, gabarit.guichet))
        for copie in range(tranche.copies)
    ]


def _uuid7(millisecondes: int, rng: random.Random) -> str:
    """As registry and soap make them (RFC 9562 §5.7), but of a chance that can be drawn again."""
    tete, hasard = f"{millisecondes:012x}", f"{rng.getrandbits(72):018x}"
    return f"{tete[:8]}-{tete[8:]}-7{hasard[:3]}-8{hasard[3:6]}-{hasard[6:]}"


def _escape(document: str) -> str:
    """The document as COPY, then bytea in its escape form, read it: each takes a backslash away."""
    if "\\" in document:
        document = document.replace("\\", "\\" * 4)
    if "\n" in document or "\t" in document or "\r" in document:
        document = document.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return document


# --- people -----------------------------------------------------------------------------------------------

_LETTRES: Final = "ABCDEFGHIJKLMN"
_PART_CONNUS: Final = 0.14
"""Part of the people who bear one of the 250 most common names; then four in a thousand are named MARTIN."""
_PREMIER_JANVIER: Final = 0.02
"""Part of the people of whom only the year of birth is known: they are born on the first of January."""


@cache
def _noms() -> tuple[list[str], list[float]]:
    """The names, and their cumulated weights: the common ones, then some 50,000 rarer ones made of them."""
    communs = [ligne[0] for ligne in lines("noms")]
    poids = [1 / (rang + 10) for rang in range(len(communs))]
    echelle = _PART_CONNUS / sum(poids)
    rares = [f"{nom}{a}{b}" for nom in communs for a in _LETTRES for b in _LETTRES]
    return (
        communs + rares,
        list(accumulate([each * echelle for each in poids] + [(1 - _PART_CONNUS) / len(rares)] * len(rares))),
    )


@cache
def _prenoms() -> tuple[list[str], list[float]]:
    prenoms = [ligne[0] for ligne in lines("prenoms")]
    return prenoms, list(accumulate(1 / (rang + 15) for rang in range(len(prenoms))))


_normal = cache(normalise)


def _draw(graine: str, marques: Sequence[str], copies: int) -> dict[str, list[str]]:
    """What stands for each mark in each copy, as written and, under the mark in lower case, normalised.

    Within a copy no two marks of the same kind get the same value: they are of different people.
    """
    rng = random.Random(graine)
    tirages: dict[str, list[str]] = {}
    for marque in marques:
        freres = [tirages[autre] for autre in tirages if autre[0] == marque[0] and autre.isupper()]
        tirages[marque] = valeurs = list(_draw_column(rng, marque[0], copies))
        for copie in range(copies if freres else 0):
            while any(_normal(valeurs[copie]) == _normal(autre[copie]) for autre in freres):
                (valeurs[copie],) = _draw_column(rng, marque[0], 1)
        if marque[0] != "D":
            tirages[marque.lower()] = [_normal(valeur) for valeur in valeurs]
            tirages[marque] = [escape(valeur) for valeur in valeurs]
    return tirages


def _draw_column(rng: random.Random, genre: str, copies: int) -> Iterator[str]:
    if genre == "R":
        yield from (f"DLS-{copie:06d}" for copie in range(copies))
        return
    if genre == "D":
        for _ in range(copies):
            jour = date(1938, 1, 1) + timedelta(days=int(rng.triangular(0, 25_000, 18_000)))
            yield f"{jour.year}-01-01" if rng.random() < _PREMIER_JANVIER else jour.isoformat()
        return
    valeurs, poids = _noms() if genre == "N" else _prenoms()
    yield from rng.choices(valeurs, cum_weights=poids, k=copies)
