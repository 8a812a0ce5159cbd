"""docs/mesures.md, generated from the results committed in bench/results: it cannot quote other figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from bench.pages_cas import measured
from console.table import load_table

PAGE: Final = Path("docs/mesures.md")

_BANC: Final = Path(__file__).resolve().parent.parent / "bench"
_COURRIER: Final = {
    "cle": "clé",
    "profil": "profil",
    "entree_par_s": "entrée (par seconde)",
    "entree_crypto": "primitives (%)",
    "sortie_par_s": "sortie (par seconde)",
    "sortie_crypto": "primitives (%)",
    "openssl_par_s": "`openssl cms` (par seconde)",
}
_DEBIT: Final = {
    "cle": "clé",
    "sens": "sens",
    "par_s": "par seconde, ici",
    "hub_ms": "CPU de l'échangeur (ms)",
    "base_ms": "CPU de la base (ms)",
    "par_coeur_hub": "par seconde et par cœur, échangeur",
    "par_coeur": "avec la base",
    "primitives": "primitives (%)",
}
_LCR: Final = {
    "entrees": "entrées",
    "octets": "octets",
    "lecture_ms": "lire la liste (ms)",
    "premier_ms": "premier verdict (ms)",
    "bon_ms": "absent (ms)",
    "revoque_ms": "révoqué (ms)",
}
_FUZZ: Final = {
    "cible": "cible",
    "essais": "mutations",
    "acceptes": "acceptées, contenu intact",
    "fautes": "fautes",
    "plus_long_ms": "la plus longue (ms)",
}
_COLONNES: Final = {
    "serveur": "serveur",
    "operation": "opération",
    "par_seconde": "par seconde",
    "p50": "p50 (ms)",
    "p99": "p99 (ms)",
    "cpu_serveur": "CPU du serveur (ms)",
    "cpu_base": "CPU de la base (ms)",
    "memoire_mio": "mémoire (Mio)",
    "erreurs": "erreurs",
}
_POINTE: Final = {
    "guichets": "guichets",
    "acquittees": "acquittées",
    "en_attente": "en attente à la fin",
    "p50": "p50 (s)",
    "p90": "p90 (s)",
    "p99": "p99 (s)",
}
_VOLUMES: Final = {
    "operation": "opération",
    "demandes": "demandes",
    "appels": "appels",
    "p50": "p50 (ms)",
    "p99": "p99 (ms)",
    "cpu_hub": "CPU du hub (ms)",
    "cpu_base": "CPU de la base (ms)",
    "pages": "pages lues",
    "wal": "journal de la base (Kio)",
    "erreurs": "erreurs",
}

_PAGES: Final = {
    "page": "page",
    "profil": "profil le plus coûteux",
    "processeur": "processeur (ms)",
    "p50": "attente, médiane (ms)",
    "p99": "p99 (ms)",
    "cpu_hub": "échangeur (ms)",
    "cpu_base": "base (ms)",
    "requetes": "requêtes",
    "octets": "octets",
}

_FILTRES: Final = {
    "filtres": "filtres",
    "moyen": "moyen",
    "p50": "p50 (µs)",
    "p99": "p99 (µs)",
    "retenus": "filtres retenus",
    "construction": "construction (s)",
    "memoire": "mémoire (Mio)",
}


_ESSAIS: Final = {
    "demandes": "demandes",
    "moyen": "moyen",
    "p50": "p50 (ms)",
    "max": "au plus (ms)",
    "cpu_p50": "CPU p50 (ms)",
    "cpu_max": "CPU au plus (ms)",
    "construction": "construction (s)",
    "memoire": "mémoire (Mio)",
    "disque": "fichiers (Mio)",
}


def render() -> str:
    """The page. Raises OSError when a result is missing: run `make bench`."""
    synchrone = _load("synchrone")
    etapes = _load("etapes")
    volumes = _load("volumes")
    courrier = _load("courrier")
    debit = _load("debit")
    lots = _load("lots")
    lcr = _load("lcr")
    fuzz = _load("fuzz")
    appels = _load("fuzz_echanges")
    filtres = _load("filtres")
    remise = _load("remise")
    essais = _load("essais")
    premiere = _load("premiere_image")
    pointe = _load("pointe")
    pages = _load("pages")
    return (
        (_BANC / "mesures.modele.md")
        .read_text(encoding="utf-8")
        .format(
            conditions=(
                f"{synchrone['clients']} clients, {synchrone['requetes']} requêtes par mesure, connexions "
                f"tenues ; {synchrone['machine']}, {synchrone['date'][:10]}."
            ),
            mesures=_table(
                tuple(_COLONNES.values()),
                ([mesure[name] for name in _COLONNES] for mesure in synchrone["mesures"]),
            ),
            rapports=_table(("rapport", "valeur"), synchrone["rapports"].items()),
            volumes_conditions=(
                f"{volumes['machine']}, charge moyenne {volumes['charge'][0]}, {volumes['date'][:10]} ; "
                "un client, "
                f"{volumes['tours']} tours de {volumes['bloc']} appels sur chaque stock."
            ),
            volumes=_table(
                tuple(_VOLUMES.values()),
                ([_number(mesure[name]) for name in _VOLUMES] for mesure in volumes["mesures"]),
            ),
            volumes_rapports=_table(
                ("opération", "CPU, hub et base", "p50"),
                ((nom, each["cpu"], each["p50"]) for nom, each in volumes["rapports"].items()),
            ),
            filtres_demandes=filtres["demandes"],
            filtres_conditions=f"{filtres['machine']}, {filtres['date'][:10]}.",
            filtres=_table(
                tuple(_FILTRES.values()),
                ([_number(mesure[name] or "") for name in _FILTRES] for mesure in filtres["mesures"]),
            ),
            filtres_autres=_table(
                ("filtres", *next(iter(filtres["autres"].values()))),
                (
                    [taille, *(autres.get(nom, "") for nom in next(iter(filtres["autres"].values())))]
                    for taille, autres in filtres["autres"].items()
                ),
            ),
            remise_conditions=(
                f"{remise['machine']}, charge moyenne {remise['charge'][0]} au début et"
                f" {remise['charge'][1]} à la fin, {_priority(remise)}{remise['date'][:10]}."
            ),
            remise_guichets=_number(remise["guichets"]),
            remise_debit=remise["debit"],
            remise_tours=remise["tours"],
            remise_arriere=_number(remise["arriere"]),
            remise_canaux=_table(
                ("canal", "par seconde"),
                ([mesure["canal"], mesure["par_seconde"]] for mesure in remise["canaux"]),
            ),
            remise_isolation=_table(
                ("", "envois", "p50 (ms)", "p99 (ms)", "rapport", "intervalle"),
                (
                    [phase, *(each[name] for name in ("envois", "p50", "p99")), *_compared(each)]
                    for phase, each in remise["isolation"].items()
                ),
            ),
            remise_requetes=_table(
                ("ce qui attend", "chercher (ms)", "prendre (ms)"),
                ([cas, *mesure.values()] for cas, mesure in remise["requetes"].items()),
            ),
            essais_filtres=essais["filtres"],
            essais_conditions=f"{essais['machine']}, {essais['date'][:10]}.",
            essais=_table(
                tuple(_ESSAIS.values()),
                ([_number(mesure[name] or "") for name in _ESSAIS] for mesure in essais["mesures"]),
            ),
            premiere=_describe_premiere(premiere),
            pointe_conditions=_describe_pointe(pointe),
            pointe=_table(
                ("guichets, selon ce qu'ils répondent", *_POINTE.values()),
                (
                    [conduite, *(_number(each.get(name, "")) for name in _POINTE)]
                    for conduite, each in pointe["latences"].items()
                ),
            ),
            pointe_processus=_table(
                (
                    "processus",
                    "cœurs employés",
                    "ms par enregistrement",
                    "ms par distribution",
                    "mémoire, premier tiers (Mio)",
                    "deuxième",
                    "troisième",
                ),
                (
                    [
                        nom,
                        cores,
                        round(1000 * cores / pointe["par_seconde"], 2),
                        round(1000 * cores / pointe["distributions_par_seconde"], 3),
                        *(pointe["memoire"].get(nom, {"1": "", "2": "", "3": ""}).values()),
                    ]
                    for nom, cores in pointe["cpu"].items()
                ),
            ),
            taille=etapes["taille_moyenne"],
            etapes=_table(("étape", "µs"), etapes["etapes"].items()),
            conditions_courrier=(
                f"Fichier de {courrier['octets']} octets, courrier de {courrier['octets_du_courrier']} ; "
                f"{courrier['machine']}, {courrier['date'][:10]}."
            ),
            courrier=_table(
                tuple(_COURRIER.values()),
                ([mesure[name] for name in _COURRIER] for mesure in courrier["mesures"]),
            ),
            conditions_debit=(
                f"{debit['courriers']} courriers par mesure, {debit['connexions']} liaisons ; "
                f"{debit['machine']}, charge moyenne {debit['charge'][0]}, {debit['date'][:10]}."
            ),
            debit=_table(
                tuple(_DEBIT.values()), ([mesure[name] for name in _DEBIT] for mesure in debit["mesures"])
            ),
            lots_fichiers=_number(lots["fichiers"]),
            lots_messages=lots["messages"],
            lots_octets=round(lots["octets_par_message"] / 1_000_000),
            lots_avant=round(lots["anonyme_avant_coupure"]),
            lots_apres=round(lots["anonyme_apres_reprise"]),
            lots_rejeux=lots["rejeux"],
            conditions_lcr=f"{lcr['machine']}, {lcr['date'][:10]}",
            lcr=_table(
                tuple(_LCR.values()), ([_number(mesure[name]) for name in _LCR] for mesure in lcr["mesures"])
            ),
            pages_conditions=(
                f"{pages['machine']}, charge moyenne {pages['charge'][0]}, {pages['date'][:10]} ; "
                f"{pages['appels']} appels de chaque ligne, {_number(pages['demandes'])} demandes."
            ),
            pages_nombre=len(pages["mesures"]),
            pages_lentes=sum(_processor(each) >= pages["limite_ms"] for each in pages["mesures"]),
            pages_absentes=_missing({each["page"] for each in pages["mesures"]}),
            pages=_table(tuple(_PAGES.values()), map(_page_row, _worst(pages["mesures"]))),
            pages_requetes=_table(
                ("la plus longue (ms)", "page", "requête"),
                ([each["ms"], each["page"], f"`{each['requete'][:110]}…`"] for each in pages["lentes"][:8]),
            ),
            conditions_fuzz=(
                f"{sum(mesure['essais'] for mesure in fuzz['mesures'])} mutations, graine {fuzz['graine']} ; "
                f"{fuzz['machine']}, {fuzz['date'][:10]}."
            ),
            delai_appels=f"{appels['delai_s']:g}",
            conditions_appels=(
                f"{_number(appels['essais'])} appels, graine {appels['graine']}, {appels['machine']},"
                f" {appels['date'][:10]} : {len(appels['fautes'])} faute(s),"
                f" {len(appels['reponses'])} réponses différentes,"
                f" {_number(appels['acceptes'])} appels acceptés ; la plus longue, sur une machine occupée,"
                f" en {_number(appels['plus_long_ms'])} ms."
            ),
            fuzz=_table(
                tuple(_FUZZ.values()), ([mesure[name] for name in _FUZZ] for mesure in fuzz["mesures"])
            ),
        )
    )


def _describe_premiere(premiere: dict[str, Any]) -> str:
    """What the first image took, and what 3 million demandes would take of a core."""
    minutes = premiere["processeur"] / premiere["demandes"] * 3_000_000 / 60
    return (
        f"{premiere['processeur']} s de processeur pour {_number(premiere['demandes'])} demandes, soit "
        f"{minutes:.0f} minutes d'un cœur pour 3 millions (calculé, non mesuré)"
    )


def _describe_pointe(pointe: dict[str, Any]) -> str:
    """What was asked, what was reached, on which machine."""
    eventail = pointe["destinataires"]
    atteint = "est atteint" if pointe["objectif"]["atteint"] else "n'est pas atteint"
    return (
        f"{pointe['machine']}, charge moyenne {pointe['charge'][0]} à la fin, {_priority(pointe)}"
        f"{pointe['date'][:10]}. "
        f"{_number(pointe['guichets'])} guichets, {_number(pointe['filtres'])} filtres, "
        f"{pointe['duree']} s ; {pointe['par_seconde_voulu']} enregistrements par seconde voulus, "
        f"{pointe['par_seconde']} tenus, "
        f"{pointe['refus']} refus ; réponse : p50 {pointe['reponse']['p50']} s, "
        f"p99 {pointe['reponse']['p99']} s. Destinataires d'une demande : {eventail['moyenne']} en moyenne, "
        f"{eventail['p50']} en médiane, {eventail['p99']} au p99, {eventail['maximum']} au plus ; "
        f"{pointe['distributions_par_seconde']} distributions par seconde. L'objectif (p99 sous "
        f"{pointe['objectif']['p99']:g} s pour les guichets qui répondent toujours) {atteint}."
    )


def _priority(mesure: dict[str, Any]) -> str:
    return "avec priorité, " if mesure["priorite"] else ""


def _compared(mesure: dict[str, Any]) -> tuple[object, object]:
    """What the p99 is multiplied by, and between what."""
    if "rapport" not in mesure:
        return "", ""
    return mesure["rapport"], f"{mesure['au_moins']} à {mesure['au_plus']}"


def _processor(mesure: dict[str, Any]) -> float:
    """Milliseconds of processor of a request, hub and base."""
    return round(float(mesure["cpu_hub"]) + float(mesure["cpu_base"]), 1)


def _missing(mesurees: set[str]) -> str:
    """The pages that the last run did not come to: it may be stopped."""
    absentes = sorted(page.nom for page in load_table() if measured(page) and page.nom not in mesurees)
    if not absentes:
        return "Toutes les pages à mesurer le sont."
    return "Ce passage a été arrêté avant : " + ", ".join(f"`{nom}`" for nom in absentes) + "."


def _worst(mesures: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each variant of a page, that of the profile that costs most; the dearest first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for mesure in sorted(mesures, key=_processor):
        found[mesure["page"], mesure["variante"]] = mesure
    return sorted(found.values(), key=_processor, reverse=True)


def _page_row(mesure: dict[str, Any]) -> list[object]:
    nom = f"`{mesure['page']}`" + (f", {mesure['variante']}" if mesure["variante"] else "")
    profil = mesure["profil"].replace("_", " ") or "personne"
    rest = (_number(mesure[each]) for each in ("p50", "p99", "cpu_hub", "cpu_base", "requetes", "octets"))
    return [nom, profil, _processor(mesure), *rest]


def _number(valeur: object) -> str:
    """Thousands apart, as French writes them."""
    return f"{valeur:,}".replace(",", " ") if isinstance(valeur, int) else str(valeur)


def _table(titres: Sequence[str], lignes: Iterable[Sequence[object]]) -> str:
    rows = [titres, ["---" for _ in titres], *lignes]
    return "\n".join("| " + " | ".join(str(value) for value in row) + " |" for row in rows)


def _load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_BANC / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return content
