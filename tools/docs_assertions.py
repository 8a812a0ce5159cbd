"""docs/assertions.md: the assertions of the kit of conformity, and the broken variants that prove them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.assertion import Fiche
from conformance.assertions import FAMILLES, client_assertions, server_assertions
from tests.conformance import variantes

PAGE: Final = Path("docs/assertions.md")

_ENTETE: Final = """# Les assertions de conformité

Page engendrée depuis le kit par `make docs` ; ne pas la modifier à la main. Comment s'en servir :
[conformité](conformite.md). Un numéro ne sert jamais deux fois.
"""

_VARIANTES: Final = """
## Ce que le kit voit

Chaque variante est un échangeur ou un partenaire où une seule chose est fausse : l'assertion faite pour elle
échoue, et aucune autre que ses conséquences. Plusieurs numéros : chacune la voit.

| variante | assertion | conséquences |
| --- | --- | --- |
"""
_TITRES: Final = "| n° | niveau | clauses | assertion |\n| --- | --- | --- | --- |\n"


def render() -> str:
    """The whole page."""
    servers, clients = server_assertions(), client_assertions()
    out = [_ENTETE, f"\n{len(servers)} assertions sur un serveur, {len(clients)} sur un client.\n"]
    out += _table("Serveur à l'essai", servers) + _table("Client à l'essai", clients)
    out.append(_VARIANTES)
    for each in (*variantes.SERVEUR, *variantes.PARTENAIRE):
        seen = ", ".join((each.assertion, *each.aussi))
        out.append(f"| {each.nom} | {seen} | {', '.join(each.consequences) or '–'} |\n")
    return "".join(out)


def _table(titre: str, assertions: Sequence[Fiche]) -> list[str]:
    out = [f"\n## {titre}\n"]
    for famille, (_, nom) in FAMILLES.items():
        rows = [
            f"| {each.id} | {each.niveau} | {', '.join(each.clauses)} | {each.titre} |\n"
            for each in assertions
            if each.famille == famille
        ]
        if rows:
            out += [
                f"\n### {nom}\n\n| n° | niveau | clauses | assertion |\n| --- | --- | --- | --- |\n",
                *rows,
            ]
    return out
