"""A demande: found, its life from the journal, who holds it and why, its attestation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, select

from console import anomalies, anomalies_flux
from console.acteur import guichet_of, profil_of
from console.libelles import CANAUX_ECHANGE, DETENTIONS, nature
from console.saisie import Saisie
from console.table import CONSULTANTS, EXPLOITANTS, GESTIONNAIRES, GUICHETS, Methode, Objet, Page, Rubrique
from console.vue import Redirection, Refus, Rendu, Reponse, Telechargement, Vue
from dispatching.deliveries import list_distributions
from registry import recherche
from registry.attestation import full_name
from registry.attestations import print_again
from registry.controles import PARIS
from registry.cycle import LIBELLES
from registry.documents_gardes import read_kept
from registry.histoire import Etape, list_etapes
from registry.lifecycle import Etat
from registry.pieces_store import ActionPiece, list_actions
from registry.recit import describe_change
from registry.situation import Situation, read_situations
from registry.tables import DEMANDE, DETENTION, GUICHET
from schemas import cog
from schemas.codes import label
from schemas.demande import Demande
from schemas.gestion_partagee import Criteres, Personne

LISEURS: Final = {**GUICHETS, **CONSULTANTS, **GESTIONNAIRES, **EXPLOITANTS}
CHERCHEURS: Final = {**GUICHETS, **CONSULTANTS, **GESTIONNAIRES}
"""Those whom the registry lets search by person or place."""
ATTESTENT: Final = {**GUICHETS, **GESTIONNAIRES}
_MONTREES: Final = 50
_ETATS: Final = [(code, libelle.capitalize()) for code, libelle in recherche.ETATS.items()]


@dataclass(frozen=True, slots=True)
class Trouvee:
    """A demande in the answer of a search."""

    numero: str
    noms: tuple[str, ...]
    etat: str
    date_depot: date
    communes: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the time line. auteur: a guichet, or an agent of it. texte: what happened, then details.

    journal: position in the journal, or None for what is not written in it. echange: its identifier, or
    empty.
    """

    instant: datetime
    titre: str
    auteur: str
    details: tuple[str, ...]
    canal: str = ""
    journal: int | None = None
    echange: str = ""
    distribuee_a: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Detenteur:
    """Who holds the demande, since when, and why."""

    guichet: str
    nom: str
    depuis_le: datetime
    motif: str


@dataclass(frozen=True, slots=True)
class Fiche:
    """A demande as its page shows it. situation: None once its data are erased."""

    numero: str
    etat: str
    recue_le: datetime
    situation: Situation | None
    noms: tuple[str, ...]
    communes: str
    types: str
    echeance: date | None
    motif_radiation: str
    moments: tuple[Moment, ...]
    detenteurs: tuple[Detenteur, ...]


def show_search(vue: Vue) -> Reponse:
    """The form; with a number, the demande itself."""
    saisie = Saisie(vue.question)
    numero = saisie.code("numero", 40)
    if numero:
        if vue.perimetre.covers_demande(vue.conn, numero):
            return Redirection(vue.url("demandes.voir", numero=numero))
        saisie.erreurs["numero"] = f"Aucune demande de numéro {numero} que vous puissiez lire."
    return _form(vue, saisie, None, entier=True)


def search(vue: Vue) -> Reponse:
    """The search of the registry, by person, commune and state: sent by a form, so that no name is written in
    an address."""
    saisie = Saisie(vue.champs)
    criteres = Criteres(
        etat=saisie.parmi("etat", tuple(recherche.ETATS)),
        commune_souhaitee=saisie.code("commune", 5),
        personne=Personne(
            nom=saisie.texte("nom"), prenom=saisie.texte("prenom"), naissance=saisie.jour("naissance")
        ),
    )
    saisie.texte("numero")
    if not saisie.erreurs:
        found = recherche.check(criteres)
        if found:
            saisie.erreurs[_CHAMPS.get(found[0].propriete.rpartition("/")[2], "nom")] = found[0].message
    if saisie.erreurs:
        return _form(vue, saisie, None, entier=True)
    jour = vue.maintenant.astimezone(PARIS).date()
    trouvees = recherche.search(vue.conn, guichet_of(vue.agent), criteres, jour)
    shown = trouvees.numeros[:_MONTREES]
    vue.note_read(*shown)
    entier = trouvees.entier and len(shown) == len(trouvees.numeros)
    return _form(vue, saisie, _found(vue.conn, shown), entier=entier)


def show(vue: Vue) -> Reponse:
    """One demande."""
    numero = vue.parametres["numero"]
    fiche = _record(vue, numero)
    if fiche is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    vue.note_read(numero)
    profil = profil_of(vue.agent)
    return Rendu(
        "demande.html",
        {
            "fiche": fiche,
            "pieces": profil is not None,
            "atteste": vue.agent.profil in ATTESTENT and fiche.situation is not None,
            "echanges": vue.agent.profil in {**GUICHETS, **GESTIONNAIRES, **EXPLOITANTS},
            "un_guichet": vue.agent.code_guichet,
        },
    )


def give_attestation(vue: Vue) -> Reponse:
    """The attestation of the registration, or of the last renewal, printed again from the register."""
    numero = vue.parametres["numero"]
    fichier = print_again(vue.conn, numero, regles=vue.services.regles, portail=vue.services.portail)
    if fichier is None:
        return Refus(anomalies_flux.MESSAGE_EFFACE(), 404)
    vue.note_read(numero)
    return Telechargement(fichier.nom, "application/pdf", fichier.contenu)


_CHAMPS: Final = {
    "etatDemande": "etat",
    "communeSouhaitee": "commune",
    "prenom": "prenom",
    "personneRecherchee": "prenom",
    "nom": "nom",
}


def _form(vue: Vue, saisie: Saisie, trouvees: Sequence[Trouvee] | None, *, entier: bool) -> Rendu:
    for champ in ("numero", "nom", "prenom", "naissance", "commune", "etat"):
        saisie.valeurs.setdefault(champ, "")
    return Rendu(
        "demandes.html",
        {
            **saisie.shown(),
            "etats": _ETATS,
            "cherche": vue.agent.profil in CHERCHEURS,
            "trouvees": trouvees,
            "entier": entier,
        },
        statut=422 if saisie.erreurs else 200,
    )


def _found(conn: Connection, numeros: Sequence[str]) -> list[Trouvee]:
    situations = read_situations(conn, numeros)
    return [
        Trouvee(
            each.numero,
            names_of(read_kept(each.document)),
            LIBELLES[each.etat],
            each.date_depot,
            places_of(each.communes),
        )
        for each in sorted(situations.values(), key=lambda each: each.recue_le, reverse=True)
    ]


def _record(vue: Vue, numero: str) -> Fiche | None:
    conn = vue.conn
    row = conn.execute(select(DEMANDE.c.etat, DEMANDE.c.recue_le).where(DEMANDE.c.numero == numero)).first()
    if row is None:
        return None
    etapes = list_etapes(conn, numero)
    situation = etapes[-1].situation if etapes else None
    demande = None if situation is None else read_kept(situation.document)
    active = situation is not None and situation.etat is Etat.ACTIVE
    motif = None if situation is None else situation.motif_radiation
    return Fiche(
        numero,
        LIBELLES[Etat(row.etat)],
        row.recue_le,
        situation,
        () if demande is None else names_of(demande),
        "" if situation is None else places_of(situation.communes),
        "" if situation is None else types_of(situation.types),
        situation.echeance(vue.services.regles) if situation is not None and active else None,
        label("ListeMotifsRadiation", motif) or motif if motif else "",
        _moments(conn, numero, etapes),
        _holders(conn, numero),
    )


def _moments(conn: Connection, numero: str, etapes: Sequence[Etape]) -> tuple[Moment, ...]:
    """What the journal says, then what is not in it: what was done with the pièces; in the order of time."""
    made: dict[int, list[tuple[str, int]]] = {}
    for each in list_distributions(conn, numero=numero):
        made.setdefault(each.version, []).append((each.guichet, each.sequence))
    moments = []
    avant: Situation | None = None
    for etape in etapes:
        moments.append(
            Moment(
                etape.instant,
                nature(etape.nature) if not etape.deradiation else "Déradiation",
                etape.guichet,
                tuple(describe_change(avant, etape.situation)),
                CANAUX_ECHANGE[etape.canal],
                etape.sequence,
                str(etape.echange or ""),
                tuple(made.get(etape.situation.version, ())),
            )
        )
        avant = etape.situation
    moments += [_of_piece(each) for each in list_actions(conn, numero) if each.action in _ACTIONS]
    return tuple(sorted(moments, key=lambda each: each.instant))


_ACTIONS: Final = {"DEPOT": "Pièce déposée", "MARQUE": "Pièce marquée", "SUPPRESSION": "Pièce supprimée"}
"""Actions on pièces that change the dossier; its readings are told with the traces."""


def _of_piece(action: ActionPiece) -> Moment:
    who = f"{action.guichet} ({action.utilisateur})" if action.guichet else action.utilisateur
    return Moment(action.instant, _ACTIONS[action.action], who, ())


def _holders(conn: Connection, numero: str) -> tuple[Detenteur, ...]:
    query = (
        select(DETENTION.c.guichet, GUICHET.c.nom, DETENTION.c.depuis_le, DETENTION.c.motif)
        .join(GUICHET, GUICHET.c.code == DETENTION.c.guichet)
        .where(DETENTION.c.numero == numero)
        .order_by(DETENTION.c.depuis_le, DETENTION.c.guichet)
    )
    return tuple(
        Detenteur(row.guichet, row.nom, row.depuis_le, DETENTIONS.get(row.motif, row.motif))
        for row in conn.execute(query)
    )


def names_of(demande: Demande) -> tuple[str, ...]:
    """Who files it: the applicant, then whoever signs with him; or the association."""
    if demande.association is not None:
        return (demande.association.nom,)
    demandeur = () if demande.demandeur is None else (demande.demandeur,)
    return tuple(full_name(each) for each in (*demandeur, *demande.cotitulaires))


def types_of(codes: Sequence[str]) -> str:
    """Kinds of dwelling by their names."""
    return ", ".join(label("ListeTypeLogement", each) or each for each in codes)


def places_of(codes: Sequence[str]) -> str:
    """Communes by their names."""
    found = [(code, cog.commune(code)) for code in codes]
    return ", ".join(code if commune is None else f"{commune.nom} ({code})" for code, commune in found)


PAGES: Final = (
    Page(
        "demandes.chercher",
        "/demandes",
        "Chercher une demande",
        show_search,
        LISEURS,
        rubrique=Rubrique.DEMANDES,
    ),
    Page(
        "demandes.rechercher",
        "/demandes/recherche",
        "Chercher une demande",
        search,
        CHERCHEURS,
        methode=Methode.POST,
        nominative=True,
        trace="demandes.rechercher",
    ),
    Page(
        "demandes.voir",
        "/demandes/{numero}",
        "Une demande",
        show,
        LISEURS,
        objet=Objet.DEMANDE,
        nominative=True,
        trace="demandes.voir",
    ),
    Page(
        "demandes.attestation",
        "/demandes/{numero}/attestation.pdf",
        "Attestation",
        give_attestation,
        ATTESTENT,
        objet=Objet.DEMANDE,
        nominative=True,
        trace="demandes.attestation",
    ),
)
