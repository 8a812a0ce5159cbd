"""schemas/specification/texte.md: the whole specification, as a hub publishes it.

The chapters as they are in docs/specification, then annexes: what other pages of docs/ generate from the code
(life cycle, rights, anomalies), what is generated here from the schemas and the services, and the exchanges
that `tools.exemples` has recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lxml import etree

from mailflows.conventions import NOM_ACCUSE, NOM_ARCHIVE, NOM_REPETITION, PAR_COURRIER, operation_of
from registry.noms_fichiers import Prefixe
from schemas.codes import code_lists
from schemas.contract import OWN_SERVICES, PARTNER_SERVICES, SERVICES, operations
from schemas.evolution.comparaison import compare_modeles
from schemas.evolution.jeu import published, read_trees
from schemas.evolution.modele import SANS_BORNE, Attribut, Modele, Noeud, Valeur, read_modele
from schemas.specification.editions import (
    Edition,
    compare_digests,
    digests,
    editions,
    published_digests,
)
from tools import (
    docs_anomalies,
    docs_console,
    docs_cycle,
    docs_droits,
    docs_filtres,
    docs_specification,
    exemples,
)

PAGE: Final = Path("schemas/specification/texte.md")

_RACINE: Final = Path(__file__).resolve().parent.parent
_DOCS: Final = _RACINE / "docs"
_ENGENDREE: Final = re.compile(r"Page engendrée [^\n]*\n(?:[^\n]+\n)*?(?=\n)|Page engendrée [^\n]*\n")
_LIEN: Final = re.compile(r"\[([^]\n]*(?:\n[^]\n]*)?)\]\(([^)\s]+)\)")
_REGLE: Final = re.compile(r"^Règle : (?:([A-Z]{3}-[0-9]+)|.*)\.\n", re.MULTILINE)
_MODIFIE: Final = "{http://nuu.application.i2/}modifie"

_PAGES: Final = {
    "droits.md": "annexe-droits",
    "console-droits.md": "annexe-console",
    "cycle-de-vie.md": "annexe-cycle",
    "anomalies.md": "annexe-anomalies",
    "entrees-refusees.md": "annexe-refus",
    "filtres.md": "annexe-filtres",
    "glossaire.md": "annexe-glossaire",
}
"""The pages that are annexes, by their name in docs/."""

_INTRODUCTION: Final = """# Lire cette spécification {#lire}

Ce texte dit ce que fait l'échangeur du registre des demandes de logement social, et ce qu'un partenaire doit faire
pour échanger avec lui. Il est engendré des mêmes fichiers que le programme : les tableaux sont ceux que le programme
suit, les exemples sont des échanges qu'il a faits.

- Chaque règle est une clause numérotée. Son numéro est aussi son adresse dans la page, et ne sert jamais deux fois.
  Chaque clause a au moins un essai qui la prouve.
- Le présent dit l'obligation : « la réponse porte » veut dire qu'elle porte toujours. « Peut » dit ce qui est permis.
- Un code entre six et dix caractères, `SOA001` par exemple, est une anomalie : l'annexe en donne le texte, dit à qui
  d'agir et si renvoyer le même message peut réussir.
- Les adresses de cette édition portent son numéro et ne changent pas. Ce qui change d'une édition à la suivante est dit
  clause par clause, en annexe.
"""


def chapters_text() -> str:
    """The chapters alone, whose clauses are digested."""
    return "\n\n".join(path.read_text(encoding="utf-8") for path in docs_specification.list_chapters())


def render() -> str:
    """The whole text."""
    chapters = [
        _linked(_named(path.read_text(encoding="utf-8"), _anchor(path)))
        for path in docs_specification.list_chapters()
    ]
    trees = read_trees(published())
    annexes = [
        _versions(trees),
        _editions(),
        exemples.render(),
        _services(trees),
        _documents(trees),
        _codes(),
        _page(docs_cycle.render(), "annexe-cycle"),
        _page(docs_droits.render(), "annexe-droits"),
        _page(docs_console.render(), "annexe-console"),
        _page(_told_rules(docs_anomalies.render()), "annexe-anomalies"),
        _page((_DOCS / "entrees-refusees.md").read_text(encoding="utf-8"), "annexe-refus"),
        _courrier(),
        _page(docs_filtres.render(), "annexe-filtres"),
        _page((_DOCS / "glossaire.md").read_text(encoding="utf-8"), "annexe-glossaire"),
    ]
    return "\n\n".join(part.strip() for part in (_INTRODUCTION, *chapters, *annexes)) + "\n"


def _anchor(path: Path) -> str:
    return path.stem.partition("-")[2]


def _page(texte: str, ancre: str) -> str:
    return _linked(_named(_ENGENDREE.sub("", texte, count=1), ancre))


def _named(texte: str, ancre: str) -> str:
    first, _, rest = texte.partition("\n")
    return f"{first} {{#{ancre}}}\n{rest}"


def _told_rules(anomalies: str) -> str:
    """The rule of an anomalie, when it is a clause; sources that are not published are left out."""
    return _REGLE.sub(lambda found: f"Règle : [{found[1]}].\n" if found[1] else "", anomalies)


def _linked(texte: str) -> str:
    """Links to what is in the text lead there; the others, to what is not published, leave their words."""
    chapters = {chapter.name for chapter in docs_specification.list_chapters()}

    def follow(found: re.Match[str]) -> str:
        words, vers = found.groups()
        path, _, _ = vers.partition("#")
        name = Path(path).name
        if vers.startswith("https://"):
            return found[0]
        if name in _PAGES:
            return f"[{words}](#{_PAGES[name]})"
        if name in chapters:
            return f"[{words}](#{_anchor(Path(name))})"
        return words

    return _LIEN.sub(follow, texte)


# --- versions and editions ----------------------------------------------------------------------------------


def _versions(trees: Mapping[str, etree._Element]) -> str:
    before, after = (read_modele(f"demande-{each}.xsd", trees) for each in ("02.00", "02.01"))
    out = [
        (
            "# Les versions 02.00 et 02.01 {#annexe-versions}\n\n"
            "Les deux versions de la demande sont servies côte à côte. `versionInterface` dit celle d'un document. Tout"
            " document 02.00 est valide en 02.01 ; les autres documents n'ont qu'une version. Ce qui change de la 02.00 à"
            " la 02.01 :\n\n"
            "| élément | ce qui change | effet |\n| --- | --- | --- |\n"
        )
    ]
    out += [
        f"| `{each.chemin}` | {each.texte} | {each.effet.value} |\n"
        for each in compare_modeles("demande", before, after)
    ]
    out.append(
        "\n« Rompt les récepteurs » : un logiciel qui ne connaît que la 02.00 refuserait un document qui porte cet"
        " élément.\n"
    )
    return "".join(out)


def _editions() -> str:
    known = editions()
    out = ["# Les éditions {#annexe-editions}\n"]
    for before, each in reversed([*zip((None, *known), known, strict=False)]):
        when = f"du {each.date:%d/%m/%Y}" if each.date else "en préparation"
        out.append(f"\n## Édition {each.numero}, {when}\n\n{each.texte}\n")
        if before is not None:
            out.append("\n" + _changes(before, each))
    return "".join(out)


def _changes(before: Edition, each: Edition) -> str:
    last = each is editions()[-1]
    after = digests(chapters_text()) if last else published_digests(each.numero)
    found = compare_digests(published_digests(before.numero), after)
    rows = [
        *((code, "changée", each.clauses.get(code, "")) for code in found.changees),
        *((code, "retirée", each.clauses.get(code, "")) for code in found.retirees),
        *((code, "nouvelle", each.clauses.get(code, "")) for code in found.ajoutees),
    ]
    if not rows:
        return "Aucune clause n'a changé.\n"
    lines = "".join(f"| [{code}] | {what} | {texte or '–'} |\n" for code, what, texte in rows)
    return f"| clause | sort | ce qui change |\n| --- | --- | --- |\n{lines}"


# --- services and documents ---------------------------------------------------------------------------------

_TITRE_LIGNES: Final = "| niveau | élément | nombre | valeur | sens |\n| --- | --- | --- | --- | --- |\n"


def _services(trees: Mapping[str, etree._Element]) -> str:
    out = [
        (
            "# Les services et leurs opérations {#annexe-services}\n\n"
            "L'action SOAP d'une opération est `http://ws.metier.nuu.application.i2/` suivi de son nom. Les enfants des"
            " enveloppes n'ont pas d'espace de noms.\n"
        )
    ]
    for service in (*SERVICES, *OWN_SERVICES, *PARTNER_SERVICES):
        modele = read_modele(f"{service}.wsdl", trees)
        out.append(f"\n## `{service}`\n")
        for operation in operations(service):
            out.append(f"\n### `{operation.name}`\n\n{_TITRE_LIGNES}")
            out += _rows(modele, f"/{operation.request}")
            out += _rows(modele, f"/{operation.response}")
    return "".join(out)


_DOCUMENTS: Final = (
    ("demande-02.01.xsd", "La demande, 02.00 et 02.01"),
    ("doublons.xsd", "La liste des doublons"),
    ("recherche.xsd", "La recherche"),
    ("gp-evenement.xsd", "Les événements d'une demande"),
    ("gp-type-evenement.xsd", "Les types d'événements"),
    ("dossier-unique.xsd", "Les listes du dossier unique"),
    ("depots.xsd", "Les dépôts du portail"),
    ("distributions.xsd", "Les manifestes et le rapprochement"),
    ("courrier.xsd", "Le courrier : requête, accusé, répétition"),
)


def _documents(trees: Mapping[str, etree._Element]) -> str:
    out = [
        (
            "# Les documents, élément par élément {#annexe-documents}\n\n"
            "Dans l'ordre du document ; le niveau est la profondeur sous la racine. « Suivi » : l'élément accepte"
            " l'attribut `modifie`, vrai sur ce qui a changé depuis le fichier précédent. Le nombre de ce qui est dans un"
            " choix est suivi de « au choix ».\n"
        )
    ]
    for nom, titre in _DOCUMENTS:
        modele = read_modele(nom, trees)
        out.append(f"\n## {titre}\n\nSchéma : `{nom}`.\n\n{_TITRE_LIGNES}")
        for root in (path for path in modele if path.count("/") == 1):
            out += _rows(modele, root)
    return "".join(out)


def _rows(modele: Modele, path: str, nombre: str = "1", niveau: int = 0) -> Iterator[str]:
    node = modele[path]
    name = path.rpartition("/")[2]
    yield f"| {niveau} | `{name}` | {nombre} | {_value(node)} | {_cell(node.documentation)} |\n"
    for attribut in node.attributs.values():
        if attribut.nom != _MODIFIE:
            yield _attribute(attribut, niveau + 1)
    for enfant in node.enfants:
        many = _many(enfant.minimum, enfant.maximum) + (", au choix" if enfant.choix else "")
        yield from _rows(modele, f"{path}/{enfant.nom}", many, niveau + 1)


def _attribute(attribut: Attribut, niveau: int) -> str:
    nombre = "1" if attribut.requis else "0 ou 1"
    fixe = f" ; vaut `{attribut.fixe}`" if attribut.fixe else ""
    nom = attribut.nom.rpartition("}")[2]
    return f"| {niveau} | `@{nom}` | {nombre} | {_told(attribut.valeur)}{fixe} | – |\n"


def _value(node: Noeud) -> str:
    told = "" if node.valeur is None else _told(node.valeur)
    suivi = "suivi" if _MODIFIE in node.attributs else ""
    return " ; ".join(each for each in (told, suivi) if each) or "–"


_FACETTES: Final = {
    "minLength": "{} caractères au moins",
    "maxLength": "{} caractères au plus",
    "minInclusive": "{} au moins",
    "maxInclusive": "{} au plus",
}
_TYPES: Final = {
    "xs:string": "texte",
    "xs:boolean": "booléen",
    "xs:date": "jour",
    "xs:dateTime": "instant",
    "xs:base64Binary": "fichier",
    "xs:anySimpleType": "texte",
}


def _told(valeur: Valeur) -> str:
    parts = [_TYPES.get(valeur.base, f"`{valeur.base}`")]
    parts += [_FACETTES.get(nom, f"{nom} {{}}").format(value) for nom, value in valeur.facettes.items()]
    parts += [f"`{_cell(each)}`" for each in valeur.motifs]
    return ", ".join(parts)


def _many(minimum: int, maximum: int) -> str:
    if minimum == maximum:
        return str(minimum)
    if (minimum, maximum) == (0, 1):
        return "0 ou 1"
    return f"{minimum} ou plus" if maximum == SANS_BORNE else f"{minimum} à {maximum}"


def _cell(texte: str) -> str:
    return texte.replace("|", "\\|") or "–"


def _codes() -> str:
    out = [
        (
            "# Les listes de codes {#annexe-codes}\n\n"
            "Un code hors de sa liste, ou hors de ses dates, est refusé (`COD101`).\n"
        )
    ]
    for liste, codes in code_lists().items():
        out.append(f"\n## `{liste}`\n\n| code | libellé | validité |\n| --- | --- | --- |\n")
        for code in codes:
            bounds = (
                f"depuis le {code.valide_du:%d/%m/%Y}" if code.valide_du else "",
                f"jusqu'au {code.valide_au:%d/%m/%Y}" if code.valide_au else "",
            )
            named = f"`{code.code}`" if code.code else "(aucun)"
            out.append(
                f"| {named} | {_cell(code.libelle)} | {' '.join(filter(None, bounds)) or 'toujours'} |\n"
            )
    return "".join(out)


def _courrier() -> str:
    rows = "".join(
        f"| `{each}` | `{operation_of(f'{each}X.xml')}` | {'oui' if operation_of(f'{each}X.xml') in PAR_COURRIER else 'non (`COU010`)'} |\n"
        for each in Prefixe
    )
    return (
        "# Les conventions du courrier {#annexe-courrier}\n\n"
        "Les règles sont au chapitre du [courrier signé](#courrier).\n\n"
        "## Ce que demande un fichier, par les trois premières lettres de son nom\n\n"
        f"| lettres | opération | par courrier |\n| --- | --- | --- |\n{rows}\n"
        "Tout autre nom vaut `DEM`.\n\n"
        "## Les fichiers que l'échangeur joint\n\n"
        "| nom | ce qu'il est |\n| --- | --- |\n"
        f"| `{NOM_ACCUSE}` | l'accusé : ce qu'il est advenu du message et de chacun de ses fichiers |\n"
        f"| `{NOM_ARCHIVE}` | les fichiers de réponse, quand ils sont trop nombreux pour être joints un par un |\n"
        f"| `{NOM_REPETITION}` | la répétition d'une rotation de certificats |\n"
    )
