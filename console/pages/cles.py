"""The keys of the hub and their rotation: six uses, the old key and the new one, and who has followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from certs.rotation import CLES_DU_COURRIER, following, prepare_issued, purge, switch
from certs.trousseau import CONSERVATION, SIX_USAGES, Clef, EtatCle, Trousseau, UsageRotation
from console import anomalies
from console.libelles_partenaires import ETATS_CLES, ROTATIONS, USAGES
from console.moyens import Moyens
from console.profils import ProfilCompte
from console.table import EXPLOITANTS, GESTIONNAIRES, GUICHETS, Methode, Page, Rubrique
from console.vue import Handler, Redirection, Refus, Rendu, Reponse, Telechargement, Vue
from mailflows.epreuves import Ligne, lines_of, read_etape
from mailflows.repetition import Issue
from registry.guichets import Guichet
from registry.guichets_store import list_guichets
from registry.surveillance_certificats import Surveille, surveilles_du_hub
from registry.tables import GUICHET

PAR_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class LigneUsage:
    """One of the six uses: the keys that serve it now, and the one that will after the switch."""

    usage: UsageRotation
    de: str
    present: str
    suivant: str
    aussi: int
    """How many keys serve it besides, so that nothing in flight is lost."""


@dataclass(frozen=True, slots=True)
class LigneGuichet:
    """A guichet on the mail channel: where its rehearsal with the next keys is. a_jour: it was made with
    those keys."""

    guichet: Guichet
    issue: Issue | None
    le: datetime | None
    a_jour: bool
    lignes: tuple[Ligne, ...]


def show(vue: Vue) -> Reponse:
    """The keyring, the six uses, and the guichets that must follow."""
    moyens = vue.services.moyens
    trousseau = None if moyens is None else read_keys(moyens)
    valeurs = {
        "moyens": moyens,
        "trousseau": trousseau,
        "clefs": [] if trousseau is None else sort_keys(trousseau),
        "hub": () if moyens is None or trousseau is None else _watched(moyens, trousseau),
        "six": () if trousseau is None else six_uses(trousseau, vue.maintenant),
        "prepare": trousseau is not None and any(c.etat is EtatCle.PREPARE for c in trousseau.clefs),
        "guichets": () if trousseau is None else read_guichets(vue, trousseau),
        "exploite": vue.agent.profil is ProfilCompte.EXPLOITANT,
        "gere": vue.agent.profil in (ProfilCompte.EXPLOITANT, ProfilCompte.GESTIONNAIRE),
        "emet": moyens is not None and moyens.autorite() is not None,
        "conservation": CONSERVATION,
        "maintenant": vue.maintenant,
        "usages": USAGES,
        "etats": ETATS_CLES,
        "rotations": ROTATIONS,
    }
    return Rendu("cles.html", valeurs)


def read_keys(moyens: Moyens) -> Trousseau | None:
    """The keys of mail, or None when they cannot be read: the page says so."""
    try:
        return moyens.keys()
    except (OSError, ValueError):
        return None


def sort_keys(trousseau: Trousseau) -> list[Clef]:
    """By use, and in each the present one, the next ones, then those replaced. Pure."""
    order = {EtatCle.ACTIF: 0, EtatCle.PREPARE: 1, EtatCle.RETIRE: 2}
    return sorted(trousseau.clefs, key=lambda each: (sorted(each.usages), order[each.etat]))


def six_uses(trousseau: Trousseau, instant: datetime) -> tuple[LigneUsage, ...]:
    """What serves each of the six uses now, and what will after the switch. Pure ([CER-51])."""
    lignes = []
    for usage, regle in SIX_USAGES.items():
        serving = trousseau.pour(usage, instant)
        active, after = trousseau.active(regle.usage), following(trousseau, regle.usage)
        ours = regle.proprietaire == "échangeur"
        lignes.append(
            LigneUsage(
                usage,
                regle.proprietaire,
                active.empreinte if ours and active is not None else "",
                after.certificat.empreinte if ours and after is not None else "",
                max(0, len(serving) - 1),
            )
        )
    return tuple(lignes)


def read_guichets(vue: Vue, trousseau: Trousseau) -> tuple[LigneGuichet, ...]:
    """The open guichets that have a mail address, within the perimeter, with their last rehearsal."""
    table = GUICHET.c
    query = (
        select(table.code)
        .where(vue.perimetre.of_guichets(), table.adresse_courrier != "", table.ferme_le.is_(None))
        .order_by(table.code)
        .limit(PAR_PAGE)
    )
    codes = set(vue.conn.scalars(query))
    ours = tuple(following(trousseau, usage) for usage in CLES_DU_COURRIER)
    wanted = tuple("" if each is None else each.certificat.empreinte for each in ours)
    lignes = []
    for guichet in (each for each in list_guichets(vue.conn) if each.code in codes):
        etape = read_etape(vue.conn, guichet.code, instant=vue.maintenant)
        if etape is None:
            lignes.append(LigneGuichet(guichet, None, None, False, ()))
            continue
        clefs = etape.repetee.clefs
        fresh = (clefs.signature, clefs.chiffrement) == wanted
        lignes.append(LigneGuichet(guichet, etape.issue, etape.repetee.cree_le, fresh, lines_of(etape)))
    return tuple(lignes)


def _watched(moyens: Moyens, trousseau: Trousseau) -> tuple[Surveille, ...]:
    files = (moyens.serveur.certificat, moyens.client)
    found = surveilles_du_hub(trousseau, [path.read_bytes() for path in files if path.exists()])
    return tuple(sorted(found, key=lambda each: each.valide_au))


def published(moyens: Moyens) -> Mapping[str, bytes]:
    """The certificates of the hub to give to partners, by name of file: public data only.

    Those of mail are the next ones, when they are prepared: partners register them before the switch.
    """
    files: dict[str, bytes] = {}
    if moyens.serveur.autorites.exists():
        files["echangeur-autorite.pem"] = moyens.serveur.autorites.read_bytes()
    if moyens.client.exists():
        files["echangeur-client.pem"] = moyens.client.read_bytes()
    trousseau = read_keys(moyens)
    if trousseau is None or not moyens.courrier:
        return files
    for usage in CLES_DU_COURRIER:
        present, after = trousseau.active(usage), following(trousseau, usage)
        if present is not None:
            files[f"echangeur-{usage}.pem"] = present.paire.certificat.pem
        if after is not None and (present is None or after.certificat.empreinte != present.empreinte):
            files[f"echangeur-{usage}-suivant.pem"] = after.certificat.pem
    return files


def download(vue: Vue) -> Reponse:
    """One of the certificates that the hub gives to its partners."""
    moyens, nom = vue.services.moyens, vue.parametres["fichier"]
    files = {} if moyens is None else published(moyens)
    if nom not in files:
        return Refus(anomalies.INTROUVABLE(), 404)
    return Telechargement(nom, "application/x-pem-file", files[nom])


def prepare(vue: Vue) -> Reponse:
    """Make the next key of each use of mail: it decrypts at once and signs nothing yet."""
    moyens = vue.services.moyens
    autorite = None if moyens is None else moyens.autorite()
    if moyens is None or autorite is None:
        return Refus(anomalies.SANS_MOYENS())
    ensembles = [frozenset({each}) for each in CLES_DU_COURRIER]
    made = prepare_issued(moyens.trousseau, autorite, ensembles, nom=moyens.nom, instant=vue.maintenant)
    message = f"{len(made)} clés préparées : transmettez leurs certificats, faites répéter, puis basculez."
    return Redirection(vue.url("certificats.cles"), message)


def put_in_use(vue: Vue) -> Reponse:
    """Put the prepared keys in use, when the box that says so is ticked."""
    moyens = vue.services.moyens
    if moyens is None:
        return Refus(anomalies.SANS_MOYENS())
    if vue.champs.get("confirme") != "oui":
        return Refus(anomalies.NON_CONFIRME(attendu="la case qui confirme"))
    done = switch(moyens.trousseau, instant=vue.maintenant)
    if not done:
        return Refus(anomalies.PARTENAIRE_REFUSE("aucune clé n'est préparée"))
    return Redirection(vue.url("certificats.cles"), f"{len(done)} clé(s) en service.")


def destroy(vue: Vue) -> Reponse:
    """Destroy the keys replaced long enough ago."""
    moyens = vue.services.moyens
    if moyens is None:
        return Refus(anomalies.SANS_MOYENS())
    done = purge(moyens.trousseau, instant=vue.maintenant)
    return Redirection(vue.url("certificats.cles"), f"{len(done)} clé(s) détruite(s).")


def _act(nom: str, chemin: str, titre: str, traite: Handler, trace: str) -> Page:
    return Page(nom, chemin, titre, traite, EXPLOITANTS, methode=Methode.POST, trace=trace)


_VOIENT: Final = {**GESTIONNAIRES, **EXPLOITANTS}

PAGES: Final = (
    Page(
        "certificats.cles",
        "/cles",
        "Clés de l'échangeur et rotation",
        show,
        _VOIENT,
        rubrique=Rubrique.CERTIFICATS,
        rang=1,
    ),
    Page(
        "certificats.publier",
        "/cles/{fichier}",
        "Certificat de l'échangeur",
        download,
        {**GUICHETS, **_VOIENT},
    ),
    _act("cles.preparer", "/cles/preparer", "Préparer", prepare, "préparer les clés suivantes"),
    _act("cles.basculer", "/cles/basculer", "Basculer", put_in_use, "basculer les clés"),
    _act("cles.purger", "/cles/purger", "Détruire", destroy, "détruire les clés remplacées"),
)
