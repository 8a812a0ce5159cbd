"""The partners: the list of the guichets, and one of them with all that is known of how it is served."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, or_, select

from console import anomalies
from console.exports import FORMATS, Tableau, export
from console.formats import moment
from console.libelles_partenaires import CANAUX, COULEURS, ETAPES, PRODUCTIONS, TOURS, TYPES, USAGES
from console.perimetre import Perimetre
from console.profils import ProfilCompte
from console.saisie import Saisie
from console.table import EXPLOITANTS, GESTIONNAIRES, GUICHETS, Methode, Objet, Page, Rubrique
from console.vue import Handler, Redirection, Refus, Rendu, Reponse, Vue, one_of
from dispatching.disjoncteur import Disjoncteur, EtatDisjoncteur
from dispatching.disjoncteurs import lift, list_disjoncteurs
from dispatching.secours import ReglageRemise, get_reglage
from dispatching.tables import DISTRIBUTION
from mailflows.alertes.catalogue import GENRES
from mailflows.alertes.garde import list_ouvertes
from mailflows.raccordements import last_calls, read_faits
from registry.certificats import CertificatEpingle, state_of
from registry.contacts import Contact, get_contact, set_contact
from registry.essais_reception import list_essais
from registry.guichets import Guichet
from registry.guichets_store import close_guichet, get_guichet, reopen_guichet
from registry.propositions import list_propositions
from registry.raccordement import Appel, advance, current
from registry.tables import CERTIFICAT, GUICHET
from schemas import cog, territoires

PAR_PAGE: Final = 50
_EXPORT_MAX: Final = 10_000
_COMPTE_MAX: Final = 1_000
_ETATS: Final = ("ouverts", "fermes", "en_panne")


@dataclass(frozen=True, slots=True)
class LignePartenaire:
    """One guichet in the list. panne: French, or empty. fin: the first end among its certificates in use."""

    code: str
    nom: str
    type: str
    territoires: tuple[str, ...]
    canal: str
    ouvert: bool
    panne: str
    fin: datetime | None
    dernier: Appel | None


@dataclass(frozen=True, slots=True)
class Recherche:
    """What the list is narrowed to, as the query says it."""

    texte: str = ""
    genre: str = ""
    etat: str = ""

    def question(self) -> dict[str, str]:
        """The query that says it again."""
        return {"q": self.texte, "type": self.genre, "etat": self.etat}


def show_list(vue: Vue) -> Reponse:
    """The guichets, by code, a page at a time."""
    recherche = read_recherche(vue)
    apres = vue.question.get("apres", "")[:5]
    lignes = read_lignes(vue.conn, vue.perimetre, recherche, apres=apres, limite=PAR_PAGE + 1)
    suite = ""
    if len(lignes) > PAR_PAGE:
        lignes = lignes[:PAR_PAGE]
        suite = vue.url("partenaires.lister", **recherche.question(), apres=lignes[-1].code)
    valeurs = {
        "lignes": lignes,
        "suite": suite,
        "recherche": recherche,
        "genres": list(TYPES.items()),
        "exports": [
            (each, vue.url("partenaires.exporter", format=each, **recherche.question())) for each in FORMATS
        ],
        "types": TYPES,
        "canaux": CANAUX,
    }
    return Rendu("partenaires.html", valeurs, bloc="resultats")


_TITRES: Final = (
    *(
        "code",
        "nom",
        "type",
        "territoires",
        "canal",
        "ouvert",
        "panne",
        "fin de certificat",
        "dernier échange",
    ),
)


def take(vue: Vue) -> Reponse:
    """The same list whole, to take away."""
    recherche = read_recherche(vue)
    lignes = read_lignes(vue.conn, vue.perimetre, recherche, apres="", limite=_EXPORT_MAX)
    rows = [
        (
            each.code,
            each.nom,
            TYPES[each.type],
            ", ".join(each.territoires),
            each.canal,
            "oui" if each.ouvert else "non",
            each.panne,
            "" if each.fin is None else each.fin.date().isoformat(),
            "" if each.dernier is None else moment(each.dernier.recu_le),
        )
        for each in lignes
    ]
    tableau = Tableau("guichets", "Guichets", f"{len(rows)} guichet(s)", _TITRES, rows)
    return export(tableau, vue.parametres["format"], vue.maintenant)


def read_recherche(vue: Vue) -> Recherche:
    """What the query asks for; what it says wrong is not asked for."""
    return Recherche(
        vue.question.get("q", "").strip()[:100],
        one_of(vue, "type", tuple(TYPES)),
        one_of(vue, "etat", _ETATS),
    )


def read_lignes(
    conn: Connection, perimetre: Perimetre, recherche: Recherche, *, apres: str, limite: int
) -> list[LignePartenaire]:
    """The guichets of the perimeter that answer, by code, from after `apres`."""
    table = GUICHET.c
    query = select(GUICHET).where(perimetre.of_guichets(), table.code > apres)
    if recherche.texte:
        like = f"%{_escape(recherche.texte)}%"
        query = query.where(or_(table.code.ilike(like), table.nom.ilike(like), table.siren.ilike(like)))
    if recherche.genre:
        query = query.where(table.type == recherche.genre)
    if recherche.etat in ("ouverts", "fermes"):
        closed = table.ferme_le.is_not(None)
        query = query.where(closed if recherche.etat == "fermes" else ~closed)
    pannes = {each.guichet: each for each in list_disjoncteurs(conn) if each.ouvert_le is not None}
    if recherche.etat == "en_panne":
        query = query.where(table.code.in_(sorted(pannes)))
    rows = conn.execute(query.order_by(table.code).limit(limite)).all()
    fins = _ends(conn, [row.code for row in rows])
    calls = last_calls(conn, [row.code for row in rows])
    return [
        LignePartenaire(
            row.code,
            row.nom,
            row.type,
            tuple(sorted(row.territoires)),
            row.canal,
            row.ferme_le is None,
            pannes[row.code].detail if row.code in pannes else "",
            fins.get(row.code),
            calls.get(row.code),
        )
        for row in rows
    ]


def _ends(conn: Connection, codes: Sequence[str]) -> Mapping[str, datetime]:
    table = CERTIFICAT.c
    query = (
        select(table.guichet, func.min(table.valide_au).label("fin"))
        .where(table.guichet.in_(codes), table.retire_le.is_(None))
        .group_by(table.guichet)
    )
    return {row.guichet: row.fin for row in conn.execute(query)}


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def show_mine(vue: Vue) -> Reponse:
    """The guichet of the agent, from the menu."""
    return Redirection(vue.url("partenaires.voir", guichet=vue.agent.code_guichet))


@dataclass(frozen=True, slots=True)
class Remise:
    """How a guichet is served now. en_attente, en_echec: bounded counts of distributions, in words."""

    reglage: ReglageRemise
    disjoncteurs: tuple[tuple[Disjoncteur, EtatDisjoncteur], ...]
    en_attente: str
    en_echec: str


def show_one(vue: Vue) -> Reponse:
    """A guichet."""
    return _show_one(vue, find(vue), get_contact(vue.conn, vue.parametres["guichet"]), {})


def _show_one(
    vue: Vue, guichet: Guichet, contact: Contact, erreurs: Mapping[str, str], statut: int = 200
) -> Reponse:
    """contact: as kept, or as typed with what is wrong with it, by field."""
    faits = read_faits(vue.conn, guichet, vue.services.conformite, instant=vue.maintenant)
    states = advance(faits, instant=vue.maintenant)
    valeurs = {
        "guichet": guichet,
        "remise": read_remise(vue.conn, guichet.code, vue.maintenant),
        "certificats": tell_certificats(faits.certificats, vue.maintenant),
        "propositions": list_propositions(vue.conn, guichet.code),
        "essais": list_essais(vue.conn, guichet.code, limite=5),
        "etapes": states,
        "courante": current(states),
        "dernier": faits.dernier,
        "production": faits.production,
        "noms_territoires": name_territoires(guichet.territoires),
        "communes": name_communes(guichet.communes),
        "gere": manages(vue),
        "types": TYPES,
        "canaux": CANAUX,
        "usages": USAGES,
        "couleurs": COULEURS,
        "libelles_etapes": ETAPES,
        "tours": TOURS,
        "alertes": list_ouvertes(vue.conn, [guichet.code]),
        "genres": GENRES,
        "contact": contact,
        "erreurs": {champ: erreurs.get(champ, "") for champ in ("technique", "silence")},
        "productions": PRODUCTIONS,
    }
    return Rendu("partenaire.html", valeurs, statut=statut)


def change_contact(vue: Vue) -> Reponse:
    """Who is told of the alerts about this guichet, and how long it may be silent."""
    guichet = find(vue)
    saisie = Saisie(vue.champs)
    contact = Contact(saisie.texte("technique", 254), saisie.entier("silence"))
    found = {each.champ: each.texte for each in set_contact(vue.conn, guichet.code, contact)}
    errors = {**found, **saisie.erreurs}
    if errors:
        vue.conn.rollback()
        return _show_one(vue, guichet, contact, errors, 422)
    return Redirection(vue.url("partenaires.voir", guichet=guichet.code), "Le contact est enregistré.")


def find(vue: Vue) -> Guichet:
    """The guichet that the address names; that it exists was checked before."""
    guichet = get_guichet(vue.conn, vue.parametres["guichet"])
    assert guichet is not None
    return guichet


def manages(vue: Vue) -> bool:
    """Whether he who looks changes what he sees, beyond proposing."""
    return vue.agent.profil in (ProfilCompte.GESTIONNAIRE, ProfilCompte.EXPLOITANT)


def read_remise(conn: Connection, code: str, instant: datetime) -> Remise:
    """How that guichet is served."""
    breakers = tuple((each, each.etat(instant)) for each in list_disjoncteurs(conn, code))
    waiting, failed = (_count(conn, code, etat) for etat in ("en_attente", "echec"))
    return Remise(get_reglage(conn, code), breakers, waiting, failed)


def _count(conn: Connection, code: str, etat: str) -> str:
    table = DISTRIBUTION.c
    rows = select(table.id).where(table.guichet == code, table.etat == etat).limit(_COMPTE_MAX + 1).subquery()
    found = int(conn.scalar(select(func.count()).select_from(rows)) or 0)
    return f"plus de {_COMPTE_MAX}" if found > _COMPTE_MAX else str(found)


@dataclass(frozen=True, slots=True)
class LigneCertificat:
    """A certificate as pages show it. etat: registry.certificats.state_of. jours: left before its end."""

    epingle: CertificatEpingle
    etat: str
    jours: int


def tell_certificats(epingles: Collection[CertificatEpingle], instant: datetime) -> list[LigneCertificat]:
    """Those in force first, the soonest to end first; the withdrawn ones last. Pure."""
    told = [tell(each, instant) for each in epingles]
    return sorted(told, key=lambda each: (each.epingle.retire_le is not None, each.epingle.valide_au))


def tell(epingle: CertificatEpingle, instant: datetime) -> LigneCertificat:
    """A certificate as pages show it. Pure."""
    return LigneCertificat(epingle, state_of(epingle, instant), (epingle.valide_au - instant).days)


def name_territoires(codes: Collection[str]) -> list[str]:
    """``059 Nord``. Pure."""
    return [f"{code} {territoires.name(code) or ''}".strip() for code in sorted(codes)]


def name_communes(codes: Collection[str]) -> list[str]:
    """Names of communes, sorted. Pure."""
    return sorted(found.nom for code in codes if (found := cog.commune(code)) is not None)


def close(vue: Vue) -> Reponse:
    """Close a guichet, when its code was typed to say so."""
    code = vue.parametres["guichet"]
    if vue.champs.get("confirme", "").strip().upper() != code:
        return Refus(anomalies.NON_CONFIRME(attendu=code))
    close_guichet(vue.conn, code, instant=vue.maintenant)
    return Redirection(vue.url("partenaires.voir", guichet=code), f"Le guichet {code} est fermé.")


def reopen(vue: Vue) -> Reponse:
    """Open it again."""
    code = vue.parametres["guichet"]
    reopen_guichet(vue.conn, code)
    return Redirection(vue.url("partenaires.voir", guichet=code), f"Le guichet {code} est rouvert.")


def lift_breakers(vue: Vue) -> Reponse:
    """Send at once what waits for a channel that failed."""
    code = vue.parametres["guichet"]
    lift(vue.conn, code, None, instant=vue.maintenant)
    return Redirection(vue.url("partenaires.voir", guichet=code), "Les envois reprennent.")


GERANTS: Final = {**GESTIONNAIRES, **EXPLOITANTS}
"""Who changes a guichet: the gestionnaire those of his territories, the operator all of them."""
_VOIENT: Final = {**GUICHETS, **GERANTS}


def act_on_guichet(nom: str, chemin: str, titre: str, traite: Handler, trace: str) -> Page:
    """A page that changes a guichet: chemin is below that of the guichet."""
    return Page(
        nom,
        f"/partenaires/{{guichet}}/{chemin}",
        titre,
        traite,
        GERANTS,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace=trace,
    )


PAGES: Final = (
    Page("partenaires.lister", "/partenaires", "Guichets", show_list, GERANTS, rubrique=Rubrique.PARTENAIRES),
    Page("partenaires.exporter", "/partenaires/guichets.{format:csv|xlsx|pdf}", "Guichets", take, GERANTS),
    Page(
        "partenaires.mien", "/mon-guichet", "Mon guichet", show_mine, GUICHETS, rubrique=Rubrique.PARTENAIRES
    ),
    Page("partenaires.voir", "/partenaires/{guichet}", "Guichet", show_one, _VOIENT, objet=Objet.GUICHET),
    act_on_guichet("partenaires.fermer", "fermer", "Fermer un guichet", close, "fermer un guichet"),
    act_on_guichet(
        "partenaires.contact",
        "contact",
        "Contact technique",
        change_contact,
        "changer le contact d'un guichet",
    ),
    act_on_guichet("partenaires.rouvrir", "rouvrir", "Rouvrir un guichet", reopen, "rouvrir un guichet"),
    act_on_guichet(
        "partenaires.reprendre",
        "reprendre",
        "Reprendre les envois",
        lift_breakers,
        "lever le disjoncteur d'un guichet",
    ),
)
