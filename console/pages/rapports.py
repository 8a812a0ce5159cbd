"""The conformity of a guichet: its right to production, its reports, what they still lack ([CNF-10])."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from console import anomalies
from console.libelles_partenaires import CANAUX, PRODUCTIONS
from console.pages.partenaires import GERANTS, find, manages
from console.profils import ProfilCompte
from console.reglages import base_of
from console.table import EXPLOITANTS, GUICHETS, Methode, Objet, Page
from console.vue import Handler, Redirection, Refus, Rendu, Reponse, Vue
from registry.conformite import (
    CAPACITES,
    OCTETS_MAX,
    EtatFamille,
    EtatRapport,
    Famille,
    RapportDepose,
    etat_of,
    families,
)
from registry.constats import Constat
from registry.guichets import Guichet
from registry.production import read_production
from registry.rapports_deposes import (
    countersign,
    deposit,
    find_report,
    list_reports,
    read_content,
    revoke,
)


@dataclass(frozen=True, slots=True)
class LigneRapport:
    """A report in the history of a guichet."""

    depose: RapportDepose
    etat: EtatRapport


def show(vue: Vue) -> Reponse:
    """The page."""
    return _page(vue, find(vue))


def _page(vue: Vue, guichet: Guichet, erreurs: Sequence[Constat] = (), statut: int = 200) -> Rendu:
    regles = vue.services.conformite
    reports = list_reports(vue.conn, guichet.code)
    content = read_content(vue.conn, reports[0].identifiant) if reports else None
    familles = families(content, regles, guichet.canal)
    valeurs = {
        "guichet": guichet,
        "production": read_production(vue.conn, guichet.code, regles, instant=vue.maintenant),
        "familles": familles,
        "dernier": reports[0] if reports else None,
        "lignes": [LigneRapport(each, etat_of(each, regles, instant=vue.maintenant)) for each in reports],
        "commandes": next_commands(familles),
        "profil": profile_of(guichet, check_address(vue)),
        "erreurs": erreurs,
        "gere": manages(vue),
        "contresigne": vue.agent.profil is ProfilCompte.EXPLOITANT,
        "canaux": CANAUX,
        "productions": PRODUCTIONS,
        "couleurs": COULEURS,
    }
    return Rendu("rapports.html", valeurs, statut=statut)


COULEURS: Final[dict[str, str]] = {
    EtatFamille.VERTE: "success",
    EtatFamille.ROUGE: "error",
    EtatFamille.PARTIELLE: "warning",
    EtatFamille.NON_LANCEE: "",
    EtatRapport.EN_VIGUEUR: "success",
    EtatRapport.A_CONTRESIGNER: "info",
    EtatRapport.EXPIRE: "warning",
    EtatRapport.REMPLACE: "",
    EtatRapport.REVOQUE: "error",
    EtatRapport.AUTRE_VERSION: "warning",
    EtatRapport.INSUFFISANT: "warning",
}


def check_address(vue: Vue) -> str:
    """The address that the kit writes in a report, where ``{identifiant}`` is that of the report."""
    reglages = vue.services.reglages
    base = base_of(reglages.url_publique, reglages.adresse, reglages.port)
    return f"{base}/conformite/rapports/{{identifiant}}"


def profile_of(guichet: Guichet, adresse: str) -> str:
    """What the profile of the kit says of this guichet. Pure."""
    return "\n".join(
        (
            "[cible]",
            f'nom = "Logiciel du guichet {guichet.code}"',
            f"capacites = {json.dumps(CAPACITES[guichet.canal], ensure_ascii=False)}",
            "",
            "[rapport]",
            f'guichet = "{guichet.code}"',
            f'controle = "{adresse}"',
        )
    )


def next_commands(familles: Sequence[Famille]) -> tuple[str, ...]:
    """What to run next, ready to copy: the families that are left to turn green, then all. Pure."""
    sign = "--certificat cert.pem --cle key.pem"
    campaign = "echangeur-conformite lancer profil.toml --mode client --dossier rapports"
    left = [each for each in familles if each.etat is not EtatFamille.VERTE]
    if not left:
        return ()
    found = []
    if len(left) == len(familles) and all(each.etat is EtatFamille.NON_LANCEE for each in left):
        found.append("echangeur-conformite modele --sortie profil.toml")
    else:
        chosen = " ".join(f"--seulement {shlex.quote(each.code)}" for each in left)
        found.append(f"{campaign.replace('rapports', 'essai')} {chosen}")
    return (*found, f"{campaign} {sign}")


def deposit_one(vue: Vue) -> Reponse:
    """Keep the report that was sent."""
    guichet = find(vue)
    envoi = vue.envois.get("rapport")
    data = b"" if envoi is None else envoi.octets
    if not data:
        refused = Constat("RAPPORT-ABSENT", "rapport", "choisissez le fichier rapport.p7m")
        return _page(vue, guichet, (refused,), 422)
    kept = deposit(
        vue.conn,
        guichet,
        data,
        vue.services.conformite,
        par=vue.agent.courriel,
        instant=vue.maintenant,
    )
    if not isinstance(kept, RapportDepose):
        return _page(vue, guichet, kept, 422)
    etat = etat_of(kept, vue.services.conformite, instant=vue.maintenant)
    return Redirection(vue.url("rapports.voir", guichet=guichet.code), f"Le rapport est déposé : {etat}.")


def countersign_one(vue: Vue) -> Reponse:
    """Answer for a report that its guichet signed."""
    return _decide(
        vue,
        lambda key: countersign(
            vue.conn, key, vue.services.conformite, par=vue.agent.courriel, instant=vue.maintenant
        ),
        "Le rapport est contresigné : il est en vigueur.",
    )


def revoke_one(vue: Vue) -> Reponse:
    """Take a report back, for a reason."""
    motif = vue.champs.get("motif", "")
    return _decide(
        vue,
        lambda key: revoke(vue.conn, key, motif, par=vue.agent.courriel, instant=vue.maintenant),
        "Le rapport est révoqué.",
    )


def _decide(vue: Vue, act: Callable[[uuid.UUID], tuple[Constat, ...]], fait: str) -> Reponse:
    """Do it to a report of this guichet; that of another is as if it were not."""
    code = vue.parametres["guichet"]
    depose = find_report(vue.conn, vue.parametres["rapport"])
    if depose is None or depose.guichet != code:
        return Refus(anomalies.INTROUVABLE(), 404)
    if refused := act(depose.identifiant):
        return Refus(anomalies.PARTENAIRE_REFUSE(refused[0].texte))
    return Redirection(vue.url("rapports.voir", guichet=code), fait)


_VOIENT: Final = {**GUICHETS, **GERANTS}
_CHEMIN: Final = "/partenaires/{guichet}/conformite"
_RAPPORT: Final = _CHEMIN + "/{rapport:[0-9a-f-]+}"


def _act(nom: str, chemin: str, titre: str, traite: Handler, trace: str) -> Page:
    return Page(
        nom,
        chemin,
        titre,
        traite,
        EXPLOITANTS,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace=trace,
    )


PAGES: Final = (
    Page("rapports.voir", _CHEMIN, "Conformité", show, _VOIENT, objet=Objet.GUICHET),
    Page(
        "rapports.deposer",
        _CHEMIN,
        "Déposer un rapport",
        deposit_one,
        _VOIENT,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace="déposer un rapport de conformité",
        taille_max=OCTETS_MAX + (1 << 20),
    ),
    _act(
        "rapports.contresigner",
        _RAPPORT + "/contresigner",
        "Contresigner un rapport",
        countersign_one,
        "contresigner un rapport de conformité",
    ),
    _act(
        "rapports.revoquer",
        _RAPPORT + "/revoquer",
        "Révoquer un rapport",
        revoke_one,
        "révoquer un rapport de conformité",
    ),
)
