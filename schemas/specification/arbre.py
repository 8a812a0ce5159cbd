"""The text of the specification as a tree: chapters and clauses numbered, references resolved.

Beside Markdown (CommonMark and its tables), three conventions: a heading may end with its anchor, ``{#nom}``;
``**[SUJ-N]**`` begins a clause, which is its own anchor, and ``[SUJ-N]`` elsewhere leads to it; so does the
code of an anomalie to the heading that is that code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from schemas.specification.editions import CLAUSE

_ANCRE: Final = re.compile(r"\s*\{#([a-z0-9.-]+)\}$")
RENVOI: Final = re.compile(r"\[([A-Z]{3}-[0-9]+)\]")
"""Where one is cited."""
_ANNEXE: Final = "annexe-"
_LETTRES: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a line. genre: ``texte``, ``code``, ``fort``, ``accent``, ``lien``, ``clause``, ``saut``.

    vers: of a link, ``#ancre`` or an address; of a clause, its code.
    """

    genre: str
    texte: str = ""
    vers: str = ""
    contenu: tuple[Fragment, ...] = ()


@dataclass(frozen=True, slots=True)
class Bloc:
    """A block. genre: ``titre``, ``paragraphe``, ``liste``, ``numeros``, ``element``, ``code``, ``table``,
    ``citation``.

    niveau, numero, ancre: of a heading. texte: of a code. contenu: of a heading or a paragraph. blocs: of a
    list, its elements; of an element or a quotation, what it holds. lignes: cells of a table, its head first.
    """

    genre: str
    niveau: int = 0
    numero: str = ""
    ancre: str = ""
    texte: str = ""
    contenu: tuple[Fragment, ...] = ()
    blocs: tuple[Bloc, ...] = ()
    lignes: tuple[tuple[tuple[Fragment, ...], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Arbre:
    """The whole text. titres: its headings of levels 1 and 2, in order."""

    blocs: tuple[Bloc, ...]

    @property
    def titres(self) -> tuple[Bloc, ...]:
        return tuple(each for each in self.blocs if each.genre == "titre" and each.niveau <= 2)


def read_arbre(texte: str) -> Arbre:
    """Read the whole text. Raises ValueError for a link that leads nowhere in it."""
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(texte)
    clauses = frozenset(CLAUSE.findall(texte))
    anomalies = frozenset(re.findall(r"^### `([A-Z]{3}[0-9]{3})`$", texte, re.MULTILINE))
    blocs = tuple(_Lecture(tokens, clauses, anomalies).read())
    _check_links(blocs, clauses)
    return Arbre(blocs)


def plain(contenu: Sequence[Fragment]) -> str:
    """What a line says, without its form."""
    return "".join(each.texte or plain(each.contenu) for each in contenu)


@dataclass
class _Numeros:
    """Numbers the headings: 1, 1.1, 1.1.1 for the chapters; A, A.1 for the annexes."""

    rangs: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    chapitres: int = 0
    annexes: int = 0
    lettre: str = ""
    vus: set[str] = field(default_factory=set)

    def next(self, niveau: int, ancre: str) -> str:
        if niveau == 1:
            self.lettre = ""
            if ancre.startswith(_ANNEXE):
                self.annexes += 1
                self.lettre = _LETTRES[self.annexes - 1]
            else:
                self.chapitres += 1
        self.rangs[niveau - 1 :] = [self.rangs[niveau - 1] + 1, *[0] * (4 - niveau)]
        first = self.lettre or str(self.chapitres)
        return ".".join([first, *map(str, self.rangs[1:niveau])])

    def anchor(self, wanted: str) -> str:
        """One that no heading has yet."""
        found, rang = wanted, 1
        while found in self.vus:
            rang += 1
            found = f"{wanted}-{rang}"
        self.vus.add(found)
        return found


class _Lecture:
    """Reads a flat list of tokens, of which each opening has its closing."""

    def __init__(self, tokens: Sequence[Token], clauses: frozenset[str], anomalies: frozenset[str]) -> None:
        self._tokens = tokens
        self._clauses = clauses
        self._anomalies = anomalies
        self._place = 0
        self._numeros = _Numeros()
        self._chapitre = ""

    def read(self, jusqu_a: str = "") -> Iterator[Bloc]:
        """The blocks until the closing token of that type, which is passed."""
        while self._place < len(self._tokens):
            token = self._take()
            if token.type == jusqu_a:
                return
            yield self._block(token)

    def _take(self) -> Token:
        self._place += 1
        return self._tokens[self._place - 1]

    def _block(self, token: Token) -> Bloc:
        match token.type:
            case "heading_open":
                return self._heading(int(token.tag[1:]))
            case "paragraph_open":
                contenu = self._line(self._take())
                self._take()
                return Bloc("paragraphe", contenu=contenu)
            case "bullet_list_open":
                return Bloc("liste", blocs=tuple(self.read("bullet_list_close")))
            case "ordered_list_open":
                return Bloc("numeros", blocs=tuple(self.read("ordered_list_close")))
            case "list_item_open":
                return Bloc("element", blocs=tuple(self.read("list_item_close")))
            case "blockquote_open":
                return Bloc("citation", blocs=tuple(self.read("blockquote_close")))
            case "fence" | "code_block":
                return Bloc("code", texte=token.content.rstrip("\n"))
            case "table_open":
                return Bloc("table", lignes=tuple(self._rows()))
            case unknown:
                raise ValueError(f"le texte de la spécification emploie {unknown}")

    def _heading(self, niveau: int) -> Bloc:
        # A heading leads nowhere: an anomalie is only named there.
        contenu = tuple(_Ligne(self._take().children or [], self._clauses, frozenset()).read())
        self._take()
        last = contenu[-1]
        named = _ANCRE.search(last.texte) if last.genre == "texte" else None
        if named is not None:
            contenu = (*contenu[:-1], Fragment("texte", last.texte[: named.start()]))
        wanted = named[1] if named else _slug(plain(contenu))
        if plain(contenu) in self._anomalies:
            return Bloc("titre", niveau, self._numeros.next(niveau, ""), plain(contenu), contenu=contenu)
        if niveau == 1:
            self._chapitre = wanted
        elif named is None:
            # Many chapters have a « Lecture »: the anchor tells which, whatever is added before it.
            wanted = f"{self._chapitre}.{wanted}"
        numero = self._numeros.next(niveau, wanted)
        return Bloc("titre", niveau, numero, self._numeros.anchor(wanted), contenu=contenu)

    def _rows(self) -> Iterator[tuple[tuple[Fragment, ...], ...]]:
        cells: list[tuple[Fragment, ...]] = []
        while (token := self._take()).type != "table_close":
            if token.type == "inline":
                cells.append(self._line(token))
            elif token.type == "tr_close":
                yield tuple(cells)
                cells = []

    def _line(self, token: Token) -> tuple[Fragment, ...]:
        return tuple(_Ligne(token.children or [], self._clauses, self._anomalies).read())


class _Ligne:
    """Reads what one line holds."""

    def __init__(self, tokens: Sequence[Token], clauses: frozenset[str], anomalies: frozenset[str]) -> None:
        self._tokens = iter(tokens)
        self._clauses = clauses
        self._anomalies = anomalies

    def read(self, jusqu_a: str = "") -> Iterator[Fragment]:
        for token in self._tokens:
            if token.type == jusqu_a:
                return
            match token.type:
                case "text":
                    yield from self._text(token.content)
                case "code_inline":
                    code = Fragment("code", token.content)
                    known = token.content in self._anomalies
                    yield Fragment("lien", vers=f"#{token.content}", contenu=(code,)) if known else code
                case "softbreak":
                    yield Fragment("texte", " ")
                case "hardbreak":
                    yield Fragment("saut")
                case "strong_open":
                    yield self._strong(tuple(self.read("strong_close")))
                case "em_open":
                    yield Fragment("accent", contenu=tuple(self.read("em_close")))
                case "link_open":
                    inside = tuple(self.read("link_close"))
                    yield Fragment("lien", vers=str(token.attrGet("href")), contenu=inside)
                case unknown:
                    raise ValueError(f"le texte de la spécification emploie {unknown}")

    def _strong(self, contenu: tuple[Fragment, ...]) -> Fragment:
        if len(contenu) == 1 and contenu[0].genre == "lien" and contenu[0].vers[1:] in self._clauses:
            return Fragment("clause", contenu[0].vers[1:], contenu[0].vers[1:])
        return Fragment("fort", contenu=contenu)

    def _text(self, texte: str) -> Iterator[Fragment]:
        place = 0
        for found in RENVOI.finditer(texte):
            if found[1] not in self._clauses:
                continue
            if found.start() > place:
                yield Fragment("texte", texte[place : found.start()])
            yield Fragment("lien", vers=f"#{found[1]}", contenu=(Fragment("texte", found[1]),))
            place = found.end()
        if place < len(texte):
            yield Fragment("texte", texte[place:])


def _check_links(blocs: Sequence[Bloc], clauses: frozenset[str]) -> None:
    known = {f"#{each.ancre}" for each in blocs if each.genre == "titre"} | {f"#{code}" for code in clauses}
    for vers in _links(blocs):
        if vers not in known and not vers.startswith("https://"):
            raise ValueError(f"le texte de la spécification renvoie à {vers}, qui n'y est pas")


def _links(blocs: Sequence[Bloc]) -> Iterator[str]:
    for bloc in blocs:
        yield from _links_of(bloc.contenu)
        yield from _links(bloc.blocs)
        for ligne in bloc.lignes:
            for cellule in ligne:
                yield from _links_of(cellule)


def _links_of(contenu: Sequence[Fragment]) -> Iterator[str]:
    for each in contenu:
        if each.genre == "lien":
            yield each.vers
        yield from _links_of(each.contenu)


def _slug(texte: str) -> str:
    bare = unicodedata.normalize("NFD", texte.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
