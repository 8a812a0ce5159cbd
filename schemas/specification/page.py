"""The specification as one page of HTML: nothing is loaded, nothing is run.

RGAA and WCAG: one h1, headings without a gap, landmarks with names, tables with header cells, what overflows
can be reached by the keyboard. The same page prints: the contents, then a chapter a page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import Final

from schemas.specification.arbre import Arbre, Bloc, Fragment, plain

_STYLE: Final = files("schemas").joinpath("specification", "specification.css").read_text(encoding="utf-8")

POLITIQUE: Final = (
    "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src"
    f" 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
"""The Content-Security-Policy of the pages: the style sheet that they hold, and nothing else."""


def write_page(arbre: Arbre, titre: str, sous_titre: str) -> bytes:
    """The whole page, UTF-8."""
    body = "".join(_Ecriture().blocs(arbre.blocs))
    return wrap(
        titre,
        f"<header><h1>{escape(titre)}</h1><p>{escape(sous_titre)}</p></header>\n"
        f'<nav class="sommaire" aria-labelledby="sommaire"><h2 id="sommaire">Sommaire</h2>\n{_contents(arbre)}</nav>\n'
        f'<main id="contenu" tabindex="-1">\n{body}</main>\n',
    )


def wrap(titre: str, corps: str, classe: str = "texte") -> bytes:
    """A page of ours around `corps`, which is HTML and has a main landmark named ``contenu``."""
    return (
        '<!DOCTYPE html>\n<html lang="fr">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(titre)}</title>\n<link rel="icon" href="data:,">\n<style>{_STYLE}</style>\n</head>\n'
        f'<body class="{classe}">\n<a class="evitement" href="#contenu">Aller au contenu</a>\n{corps}</body>\n</html>\n'
    ).encode()


def _contents(arbre: Arbre) -> str:
    out = ["<ul>"]
    opened = False
    for titre in arbre.titres:
        if titre.niveau == 1:
            out.append(f"{'</ul></li>' if opened else ''}<li>{_entry(titre)}<ul>")
            opened = True
        else:
            out.append(f"<li>{_entry(titre)}</li>")
    # A chapter without sections would leave an empty list, which a screen reader counts.
    return "".join([*out, "</ul></li></ul>" if opened else "</ul>"]).replace("<ul></ul>", "")


def _entry(titre: Bloc) -> str:
    return f'<a href="#{titre.ancre}"><span class="numero">{titre.numero}</span> {escape(plain(titre.contenu))}</a>'


class _Ecriture:
    """Writes blocks; numbers what can be scrolled, so that no two have the same name."""

    def __init__(self) -> None:
        self._regions = 0

    def blocs(self, blocs: Sequence[Bloc]) -> Iterator[str]:
        for bloc in blocs:
            match bloc.genre:
                case "titre":
                    yield _heading(bloc)
                case "paragraphe":
                    yield f"<p>{_line(bloc.contenu)}</p>\n"
                case "liste" | "numeros":
                    tag = "ul" if bloc.genre == "liste" else "ol"
                    kind = ' class="clauses"' if _are_clauses(bloc) else ""
                    yield f"<{tag}{kind}>\n{''.join(map(self._element, bloc.blocs))}</{tag}>\n"
                case "citation":
                    yield f"<blockquote>{''.join(self.blocs(bloc.blocs))}</blockquote>\n"
                case "code":
                    yield f"<pre {self._region('Exemple')}><code>{escape(bloc.texte)}</code></pre>\n"
                case "table":
                    yield self._table(bloc)

    def _element(self, bloc: Bloc) -> str:
        first, *others = bloc.blocs
        if first.genre != "paragraphe":
            return f"<li>{''.join(self.blocs(bloc.blocs))}</li>\n"
        # One paragraph needs no element of its own: the list stays compact.
        return f"<li>{_line(first.contenu)}{''.join(self.blocs(others))}</li>\n"

    def _table(self, bloc: Bloc) -> str:
        head, *rows = bloc.lignes
        titles = "".join(f'<th scope="col">{_line(cell)}</th>' for cell in head)
        lines = "".join(f"<tr>{''.join(f'<td>{_line(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
        return (
            f'<div class="table" {self._region("Tableau")}>'
            f"<table><thead><tr>{titles}</tr></thead>\n<tbody>\n{lines}</tbody></table></div>\n"
        )

    def _region(self, nom: str) -> str:
        """What overflows is reached by the keyboard, hence has a role and a name."""
        self._regions += 1
        return f'tabindex="0" role="region" aria-label="{nom} {self._regions}"'


def _heading(bloc: Bloc) -> str:
    tag = f"h{bloc.niveau + 1}"
    return (
        f'<{tag} id="{bloc.ancre}"><span class="numero">{bloc.numero}</span> {_line(bloc.contenu)}'
        f' <a class="lien" href="#{bloc.ancre}" aria-label="Adresse de la section {bloc.numero}">§</a></{tag}>\n'
    )


def _are_clauses(bloc: Bloc) -> bool:
    first = bloc.blocs[0].blocs[0] if bloc.blocs and bloc.blocs[0].blocs else None
    return first is not None and bool(first.contenu) and first.contenu[0].genre == "clause"


def _line(contenu: Sequence[Fragment]) -> str:
    return "".join(map(_fragment, contenu))


def _fragment(each: Fragment) -> str:
    match each.genre:
        case "code":
            return f"<code>{escape(each.texte)}</code>"
        case "fort":
            return f"<strong>{_line(each.contenu)}</strong>"
        case "accent":
            return f"<em>{_line(each.contenu)}</em>"
        case "saut":
            return "<br>"
        case "clause":
            return (
                f'<strong class="clause" id="{each.texte}"><a href="#{each.texte}">{each.texte}</a></strong>'
            )
        case "lien":
            return f'<a href="{escape(each.vers)}">{_line(each.contenu)}</a>'
        case _:
            return escape(each.texte, quote=False)
