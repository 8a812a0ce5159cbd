"""Two schemas held against each other, path by path. Pure.

What is added or removed is said once, at its place; what stands below it is not told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from schemas.evolution.constats import Constat, Effet, Nature, effet_of
from schemas.evolution.modele import SANS_BORNE, Attribut, Enfant, Modele, Noeud, Valeur, read_modele
from schemas.evolution.valeurs import compare_valeurs


def compare(avant: Mapping[str, etree._Element], apres: Mapping[str, etree._Element]) -> list[Constat]:
    """Every difference between two sets of schemas, by name of file: those that have a root, with all that
    they include. A file that `apres` lacks is taken to stay as it is. Raises SchemaIllisible."""
    whole = {**avant, **apres}
    found: list[Constat] = []
    for nom in sorted(whole):
        after = read_modele(nom, whole)
        if nom in avant:
            found += compare_modeles(nom, read_modele(nom, avant), after)
        elif after:
            texte = "le schéma est nouveau"
            found.append(Constat(nom, "/", Nature.SCHEMA_AJOUTE, Effet.COMPATIBLE, texte))
    return found


def compare_modeles(schema: str, avant: Modele, apres: Modele) -> list[Constat]:
    """Every difference between two models, in the order of a document."""
    return list(_Comparaison(schema, avant, apres).run())


@dataclass(frozen=True)
class _Comparaison:
    schema: str
    avant: Modele
    apres: Modele

    def run(self) -> Iterator[Constat]:
        before, after = _roots(self.avant), _roots(self.apres)
        for root in before:
            if root not in self.apres:
                yield self._tell(root, Nature.RACINE_RETIREE, "le document n'existe plus", restreint=True)
        for root in after:
            if root not in self.avant:
                yield self._tell(root, Nature.RACINE_AJOUTEE, "le document est nouveau", elargit=True)
        for path, node in self.avant.items():
            if path in self.apres:
                yield from self._node(path, node, self.apres[path])

    def _node(self, path: str, avant: Noeud, apres: Noeud) -> Iterator[Constat]:
        if avant.espace != apres.espace:
            yield self._tell(
                path,
                Nature.ESPACE,
                "l'espace de noms change",
                avant.espace or "aucun",
                apres.espace or "aucun",
                restreint=True,
                elargit=True,
            )
        if (avant.valeur is None) is not (apres.valeur is None):
            yield self._tell(
                path,
                Nature.CONTENU,
                "le contenu change de nature",
                _content(avant),
                _content(apres),
                restreint=True,
                elargit=True,
            )
        elif avant.valeur is not None and apres.valeur is not None:
            yield from self._value(path, avant.valeur, apres.valeur)
        if avant.ouvert is not apres.ouvert:
            texte = "tout élément est admis" if apres.ouvert else "les éléments inconnus ne sont plus admis"
            yield self._tell(path, Nature.CONTENU, texte, restreint=avant.ouvert, elargit=apres.ouvert)
        yield from self._children(path, avant, apres)
        for nom in sorted(avant.attributs.keys() | apres.attributs.keys()):
            yield from self._attribute(path, avant.attributs.get(nom), apres.attributs.get(nom))
        if avant.documentation != apres.documentation:
            yield self._tell(path, Nature.TEXTE, "la documentation change")

    def _children(self, path: str, avant: Noeud, apres: Noeud) -> Iterator[Constat]:
        before = {each.nom: each for each in avant.enfants}
        after = {each.nom: each for each in apres.enfants}
        for nom, enfant in before.items():
            if nom not in after:
                yield self._removed(f"{path}/{nom}", enfant)
        for nom, enfant in after.items():
            if nom not in before:
                yield self._added(f"{path}/{nom}", enfant, avant)
            else:
                yield from self._occurs(f"{path}/{nom}", before[nom], enfant)
        kept_before = [each for each in before if each in after]
        kept_after = [each for each in after if each in before]
        if kept_before != kept_after:
            yield self._tell(
                path,
                Nature.ORDRE,
                "l'ordre des éléments change",
                ", ".join(kept_before),
                ", ".join(kept_after),
                restreint=True,
                elargit=True,
            )
        yield from self._choices(path, avant, apres)

    def _removed(self, path: str, enfant: Enfant) -> Constat:
        demanded = enfant.minimum > 0 and not enfant.choix
        texte = "l'élément, qui était obligatoire, n'existe plus" if demanded else "l'élément n'existe plus"
        return self._tell(path, Nature.ELEMENT_RETIRE, texte, restreint=True, elargit=demanded)

    def _added(self, path: str, enfant: Enfant, avant: Noeud) -> Constat:
        # A branch of its own in a choice that was there demands nothing of what was written before.
        alone = enfant.choix and all(each.choix != enfant.choix for each in avant.enfants)
        demanded = enfant.minimum > 0 and not (alone and avant.choix)
        texte = f"un élément {'obligatoire' if demanded else 'facultatif'} s'ajoute"
        return self._tell(path, Nature.ELEMENT_AJOUTE, texte, restreint=demanded, elargit=True)

    def _occurs(self, path: str, avant: Enfant, apres: Enfant) -> Iterator[Constat]:
        if avant.minimum != apres.minimum:
            more = apres.minimum > avant.minimum
            if avant.minimum == 0:
                nature, texte = Nature.RENDU_OBLIGATOIRE, "l'élément devient obligatoire"
            elif apres.minimum == 0:
                nature, texte = Nature.RENDU_FACULTATIF, "l'élément devient facultatif"
            else:
                nature, texte = Nature.MINIMUM, "le nombre minimal change"
            yield self._tell(
                path, nature, texte, str(avant.minimum), str(apres.minimum), restreint=more, elargit=not more
            )
        if avant.maximum != apres.maximum:
            more = apres.maximum > avant.maximum
            texte = f"le nombre maximal {'augmente' if more else 'diminue'}"
            yield self._tell(
                path,
                Nature.MAXIMUM,
                texte,
                _many(avant.maximum),
                _many(apres.maximum),
                restreint=not more,
                elargit=more,
            )
        if bool(avant.choix) is not bool(apres.choix):
            texte = (
                "l'élément devient une des branches d'un choix" if apres.choix else "l'élément sort du choix"
            )
            yield self._tell(path, Nature.CHOIX, texte, restreint=True, elargit=True)

    def _choices(self, path: str, avant: Noeud, apres: Noeud) -> Iterator[Constat]:
        """The choices that are still there, known by the elements that they share."""
        for rank, before in avant.choix.items():
            shared = {each.nom for each in avant.enfants if each.choix.startswith(f"{rank}.")}
            same = next(
                (each.choix.partition(".")[0] for each in apres.enfants if each.choix and each.nom in shared),
                None,
            )
            after = before if same is None else apres.choix[same]
            if before == after:
                continue
            yield self._tell(
                path,
                Nature.CHOIX,
                "le nombre de fois où choisir change",
                f"de {before[0]} à {_many(before[1])}",
                f"de {after[0]} à {_many(after[1])}",
                restreint=after[0] > before[0] or after[1] < before[1],
                elargit=after[0] < before[0] or after[1] > before[1],
            )

    def _attribute(self, path: str, avant: Attribut | None, apres: Attribut | None) -> Iterator[Constat]:
        if avant is None or apres is None:
            known = avant or apres
            assert known is not None
            place = f"{path}/@{known.nom.rpartition('}')[2]}"
            duty = "obligatoire" if known.requis else "facultatif"
            if avant is None:
                texte = f"un attribut {duty} s'ajoute"
                yield self._tell(place, Nature.ATTRIBUT_AJOUTE, texte, restreint=known.requis, elargit=True)
            else:
                texte = f"l'attribut, {duty}, n'existe plus"
                yield self._tell(place, Nature.ATTRIBUT_RETIRE, texte, restreint=True, elargit=known.requis)
            return
        place = f"{path}/@{avant.nom.rpartition('}')[2]}"
        if avant.requis is not apres.requis:
            nature = Nature.RENDU_OBLIGATOIRE if apres.requis else Nature.RENDU_FACULTATIF
            texte = f"l'attribut devient {'obligatoire' if apres.requis else 'facultatif'}"
            yield self._tell(place, nature, texte, restreint=apres.requis, elargit=avant.requis)
        if avant.fixe != apres.fixe:
            yield self._tell(
                place,
                Nature.VALEUR_FIXE,
                "la valeur imposée change",
                avant.fixe,
                apres.fixe,
                restreint=bool(apres.fixe),
                elargit=bool(avant.fixe),
            )
        yield from self._value(place, avant.valeur, apres.valeur)

    def _value(self, path: str, avant: Valeur, apres: Valeur) -> Iterator[Constat]:
        for each in compare_valeurs(avant, apres):
            yield self._tell(
                path,
                each.nature,
                each.texte,
                each.avant,
                each.apres,
                restreint=each.restreint,
                elargit=each.elargit,
            )

    def _tell(
        self,
        path: str,
        nature: Nature,
        texte: str,
        avant: str = "",
        apres: str = "",
        *,
        restreint: bool = False,
        elargit: bool = False,
    ) -> Constat:
        effet = effet_of(restreint=restreint, elargit=elargit)
        return Constat(self.schema, path, nature, effet, texte, avant, apres)


def _roots(modele: Modele) -> list[str]:
    return [path for path in modele if path.count("/") == 1]


def _content(noeud: Noeud) -> str:
    return "des éléments" if noeud.valeur is None else f"une valeur ({noeud.valeur.base})"


def _many(maximum: int) -> str:
    return "sans limite" if maximum == SANS_BORNE else str(maximum)
