"""docs/mesures.md, generated from the results committed in bench/results: it cannot quote other figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

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

_FILTRES: Final = {
    "filtres": "filtres",
    "moyen": "moyen",
    "p50": "p50 (µs)",
    "p99": "p99 (µs)",
    "retenus": "filtres retenus",
    "construction": "construction (s)",
    "memoire": "mémoire (Mio)",
}


def render() -> str:
    """The page. Raises OSError when a result is missing: run `make bench`."""
    synchrone = _load("synchrone")
    etapes = _load("etapes")
    volumes = _load("volumes")
    courrier = _load("courrier")
    fuzz = _load("fuzz")
    filtres = _load("filtres")
    remise = _load("remise")
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
                ([taille, *autres.values()] for taille, autres in filtres["autres"].items()),
            ),
            remise_conditions=(
                f"{remise['machine']}, charge moyenne {remise['charge'][0]} au début et"
                f" {remise['charge'][1]} à la fin, {remise['date'][:10]}."
            ),
            remise_guichets=_number(remise["guichets"]),
            remise_debit=remise["debit"],
            remise_arriere=_number(remise["arriere"]),
            remise_canaux=_table(
                ("canal", "par seconde"),
                ([mesure["canal"], mesure["par_seconde"]] for mesure in remise["canaux"]),
            ),
            remise_isolation=_table(
                ("", "envois", "p50 (ms)", "p99 (ms)"),
                ([phase, *mesure.values()] for phase, mesure in remise["isolation"].items()),
            ),
            remise_requetes=_table(
                ("ce qui attend", "chercher (ms)", "prendre (ms)"),
                ([cas, *mesure.values()] for cas, mesure in remise["requetes"].items()),
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
            conditions_fuzz=(
                f"{sum(mesure['essais'] for mesure in fuzz['mesures'])} mutations, graine {fuzz['graine']} ; "
                f"{fuzz['machine']}, {fuzz['date'][:10]}."
            ),
            fuzz=_table(
                tuple(_FUZZ.values()), ([mesure[name] for name in _FUZZ] for mesure in fuzz["mesures"])
            ),
        )
    )


def _number(valeur: object) -> str:
    """Thousands apart, as French writes them."""
    return f"{valeur:,}".replace(",", " ") if isinstance(valeur, int) else str(valeur)


def _table(titres: Sequence[str], lignes: Iterable[Sequence[object]]) -> str:
    rows = [titres, ["---" for _ in titres], *lignes]
    return "\n".join("| " + " | ".join(str(value) for value in row) + " |" for row in rows)


def _load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_BANC / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return content
