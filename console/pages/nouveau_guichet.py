"""The first step of a connection: a guichet is added, its perimeter found by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from console.libelles_partenaires import TYPES
from console.lieux import Lieu, search_communes, search_epci
from console.pages.partenaires import GERANTS, name_territoires
from console.profils import Portee
from console.table import Methode, Page
from console.vue import Redirection, Rendu, Reponse, Vue
from registry.constats import Constat
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet
from schemas import cog, territoires

_CANDIDATS: Final = 12
_CHERCHES: Final = {TypeGuichet.COMMUNE.value: search_communes, TypeGuichet.EPCI.value: search_epci}
"""Types of guichet that have a perimeter, and how it is found by name."""


@dataclass(frozen=True, slots=True)
class Saisie:
    """What was typed. lieu: name or code of the commune or EPCI; choisi: the one of the candidates."""

    code: str = ""
    nom: str = ""
    genre: str = ""
    siren: str = ""
    territoires: tuple[str, ...] = ()
    lieu: str = ""
    choisi: str = ""
    numerote: bool = False
    candidats: tuple[Lieu, ...] = ()
    erreurs: Mapping[str, str] = field(default_factory=dict)


def show(vue: Vue) -> Reponse:
    """The empty form."""
    mine = _open_to(vue)
    return _form(vue, Saisie(territoires=mine if len(mine) == 1 else ()))


def show_candidates(vue: Vue) -> Reponse:
    """The communes or EPCI that what is being typed may name: a part of the form."""
    texte, genre = vue.question.get("lieu", "")[:100], vue.question.get("genre", "")
    return _form(vue, Saisie(genre=genre, lieu=texte, candidats=search(genre, texte, _open_to(vue))))


def add(vue: Vue) -> Reponse:
    """Add the guichet, or say all that is wrong with it."""
    saisie = place(read(vue), _open_to(vue))
    if vue.champs.get("action") == "chercher" or saisie.erreurs:
        return _form(vue, saisie, 422 if saisie.erreurs else 200)
    hors = set(saisie.territoires) - set(_open_to(vue))
    if hors and vue.perimetre.portee is Portee.TERRITOIRE:
        texte = f"hors de vos territoires : {', '.join(name_territoires(hors))}"
        return _form(vue, replace(saisie, erreurs={"territoire": texte}), 422)
    added = add_guichet(vue.conn, _nouveau(saisie), instant=vue.maintenant)
    if not isinstance(added, Guichet):
        return _form(vue, replace(saisie, erreurs=by_field(added)), 422)
    vers = vue.url("raccordement.voir", guichet=added.code, etape="canal")
    return Redirection(vers, f"Le guichet {added.code} est ajouté.")


def read(vue: Vue) -> Saisie:
    """What the form sent, trimmed and bounded; the territories by their codes, ticked or typed."""
    champs = vue.champs
    typed = champs.get("territoires", "").upper().replace(",", " ").replace(";", " ").split()
    return Saisie(
        champs.get("code", "").strip().upper()[:20],
        champs.get("nom", "").strip()[:300],
        champs.get("genre", ""),
        "".join(champs.get("siren", "").split())[:20],
        tuple(dict.fromkeys(filter(None, [*champs.getall("territoire", []), *typed]))),
        champs.get("lieu", "").strip()[:100],
        champs.get("choisi", ""),
        champs.get("numerote") == "oui",
    )


def search(genre: str, texte: str, chez: Collection[str]) -> tuple[Lieu, ...]:
    """What a name or a code may designate for that type of guichet; nothing for a type without perimeter."""
    find = _CHERCHES.get(genre)
    return () if find is None or len(texte.strip()) < 2 else find(texte, chez, _CANDIDATS)


def place(saisie: Saisie, chez: Collection[str]) -> Saisie:
    """With its perimeter settled: the candidate chosen, the only one of that name, or a question; and with
    what follows from it: the SIREN of an EPCI, the territory when none is said. Pure."""
    if saisie.genre not in TYPES:
        return replace(saisie, erreurs={"type": "choisissez un type"})
    if saisie.genre not in _CHERCHES:
        return saisie
    candidats = search(saisie.genre, saisie.lieu, chez)
    exact = [each for each in candidats if saisie.lieu in (each.code, each.nom)]
    codes = {each.code for each in candidats}
    if saisie.choisi in codes:
        found = saisie.choisi
    elif len(exact) == 1 or len(candidats) == 1:
        found = (exact or list(candidats))[0].code
    else:
        texte = "choisissez dans la liste" if candidats else "aucun lieu de ce nom ou de ce code"
        return replace(saisie, candidats=candidats, erreurs={"perimetre": texte})
    epci = saisie.genre == TypeGuichet.EPCI.value
    return replace(
        saisie,
        choisi=found,
        candidats=candidats,
        siren=saisie.siren or (found if epci else ""),
        territoires=saisie.territoires or territoires_of(found),
    )


def territoires_of(code: str) -> tuple[str, ...]:
    """The territories of a commune or an EPCI. Pure."""
    communes = cog.communes_of_epci(code) or {code}
    return tuple(sorted({found for each in communes if (found := territoires.territoire_of(each))}))


def by_field(constats: Collection[Constat]) -> dict[str, str]:
    """What is wrong, by field of the form. Pure."""
    found: dict[str, str] = {}
    for each in constats:
        found[each.champ] = f"{found[each.champ]} ; {each.texte}" if each.champ in found else each.texte
    return found


def _nouveau(saisie: Saisie) -> NouveauGuichet:
    return NouveauGuichet(
        saisie.code,
        saisie.nom,
        TypeGuichet(saisie.genre),
        saisie.siren,
        frozenset(saisie.territoires),
        saisie.choisi,
        numerote=saisie.numerote,
    )


def _open_to(vue: Vue) -> tuple[str, ...]:
    """The territories in which this account adds guichets; none in particular for who sees them all."""
    return tuple(sorted(vue.agent.territoires))


def _form(vue: Vue, saisie: Saisie, statut: int = 200) -> Rendu:
    mine = _open_to(vue)
    valeurs = {
        "saisie": saisie,
        "genres": list(TYPES.items()),
        "territoires": list(zip(mine, name_territoires(mine), strict=True)),
        "avec_lieu": saisie.genre in _CHERCHES,
        "erreurs": saisie.erreurs,
    }
    return Rendu("nouveau_guichet.html", valeurs, bloc="candidats", statut=statut)


PAGES: Final = (
    Page("partenaires.nouveau", "/partenaires/nouveau", "Raccorder un partenaire", show, GERANTS),
    Page("partenaires.lieux", "/partenaires/lieux", "Communes et EPCI", show_candidates, GERANTS),
    Page(
        "partenaires.ajouter",
        "/partenaires/nouveau",
        "Raccorder un partenaire",
        add,
        GERANTS,
        methode=Methode.POST,
        trace="ajouter un guichet",
    ),
)
