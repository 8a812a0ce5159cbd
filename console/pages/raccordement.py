"""The connection of a partner, step by step: what is missing, whose turn it is, and how to do it here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from certs.algorithmes import PROFILS
from console import anomalies
from console.libelles_partenaires import CANAUX, COULEURS, ETAPES, ROTATIONS, TOURS, TYPES, USAGES
from console.pages.nouveau_guichet import by_field
from console.pages.partenaires import GERANTS, act_on_guichet, find, tell_certificats
from console.table import Objet, Page
from console.vue import Redirection, Refus, Rendu, Reponse, Vue
from dispatching.canaux import switch_canal
from mailflows.epreuves import lines_of, plan, read_etape, travel, try_here
from mailflows.raccordements import read_faits
from registry.certificats import CertificatEpingle, pin_certificat
from registry.constats import Constat
from registry.emission import Emis, answer_request, is_request
from registry.essais_reception import EssaiReception, list_essais, record_essai
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import get_guichet, set_adresse_courrier, set_adresse_reception, set_capacites
from registry.propositions import list_propositions
from registry.raccordement import EtapeRaccordement, Etat, Faits, advance, current
from registry.usages_certificats import UsageCertificat
from registry.verdicts_certificats import judge_due
from soap.essai_reception import try_reception

_PERIODES_MAX: Final = 120
"""How many times a page that waits looks again by itself, every five seconds: a session left open ends."""

_ATTENDUES: Final = (EtapeRaccordement.ESSAI, EtapeRaccordement.ECHANGE)
"""The steps that the partner may end while the page is looked at."""


@dataclass(frozen=True, slots=True)
class Suivi:
    """What the page shows of the steps. choisie: the step whose panel is open."""

    faits: Faits
    etats: tuple[Etat, ...]
    courante: Etat | None
    choisie: Etat


def show(vue: Vue) -> Reponse:
    """The steps, and what is to be done in one of them."""
    return _page(vue, find(vue), vue.question.get("etape", ""))


def _page(
    vue: Vue,
    guichet: Guichet,
    etape: str,
    erreurs: Sequence[Constat] = (),
    champs: dict[str, str] | None = None,
    statut: int = 200,
) -> Rendu:
    suivi = follow(vue, guichet, etape)
    tour = vue.question.get("tour", "0")
    rang = min(int(tour[:4]), _PERIODES_MAX) if tour.isascii() and tour.isdigit() else 0
    courrier = read_etape(vue.conn, guichet.code, instant=vue.maintenant)
    moyens = vue.services.moyens
    valeurs = {
        "guichet": guichet,
        "suivi": suivi,
        "etats": suivi.etats,
        "rang_etape": [each.etape for each in suivi.etats].index(suivi.choisie.etape) + 1,
        "certificats": tell_certificats(suivi.faits.certificats, vue.maintenant),
        "propositions": list_propositions(vue.conn, guichet.code),
        "essais": list_essais(vue.conn, guichet.code, limite=1),
        "courrier": courrier,
        "lignes": () if courrier is None else lines_of(courrier),
        "erreurs": by_field(erreurs),
        "champs": champs or {},
        "signe": moyens is not None and moyens.autorite() is not None,
        "moyens": moyens,
        "attend": suivi.choisie.etape in _ATTENDUES and not suivi.choisie.faite and rang < _PERIODES_MAX,
        "tour_suivant": rang + 1,
        "capacites": [(nom, nom) for nom in PROFILS],
        "canaux": CANAUX,
        "types": TYPES,
        "usages": USAGES,
        "couleurs": COULEURS,
        "libelles": ETAPES,
        "tours": TOURS,
        "rotations": ROTATIONS,
    }
    return Rendu("raccordement.html", valeurs, bloc="direct", statut=statut)


def follow(vue: Vue, guichet: Guichet, etape: str = "") -> Suivi:
    """Where the connection is; the panel is that of the step asked for, else of the first not done."""
    faits = read_faits(vue.conn, guichet, vue.services.conformite, instant=vue.maintenant)
    etats = advance(faits, instant=vue.maintenant)
    courante = current(etats)
    choisie = next((each for each in etats if each.etape == etape), courante or etats[-1])
    return Suivi(faits, etats, courante, choisie)


def set_channel(vue: Vue) -> Reponse:
    """The channel, the addresses and the capabilities, all at once."""
    code = vue.parametres["guichet"]
    champs = {nom: vue.champs.get(nom, "").strip() for nom in ("canal", "reception", "courrier", "capacites")}
    canal = champs["canal"] if champs["canal"] in list(CanalDistribution) else ""
    found = [
        *_renamed("reception", set_adresse_reception(vue.conn, code, champs["reception"])),
        *_renamed("courrier", set_adresse_courrier(vue.conn, code, champs["courrier"])),
        *_renamed("capacites", set_capacites(vue.conn, code, champs["capacites"])),
    ]
    if not found and canal:
        found += switch_canal(vue.conn, code, CanalDistribution(canal), instant=vue.maintenant)
    elif not canal:
        found.append(Constat("GUICHET-CANAL", "canal", "choisissez un canal"))
    if found:
        vue.conn.rollback()
        return _page(vue, find(vue), EtapeRaccordement.CANAL, found, champs, 422)
    return Redirection(vue.url("raccordement.voir", guichet=code), "Le canal est enregistré.")


def _renamed(champ: str, constats: Sequence[Constat]) -> list[Constat]:
    return [Constat(each.code, champ, each.texte) for each in constats]


def register_certificat(vue: Vue) -> Reponse:
    """Register a certificate (PEM, DER), or certify the key of a request (PKCS#10)."""
    guichet = find(vue)
    data = read_data(vue)
    if is_request(data):
        return _answer(vue, guichet, data)
    jour = read_day(vue.champs.get("actif_du", ""))
    if isinstance(jour, Constat):
        return _page(vue, guichet, EtapeRaccordement.CERTIFICATS, (jour,), statut=422)
    pinned = pin_certificat(
        vue.conn, guichet.code, data, instant=vue.maintenant, usages=read_usages(vue), actif_du=jour
    )
    if not isinstance(pinned, CertificatEpingle):
        return _page(vue, guichet, EtapeRaccordement.CERTIFICATS, pinned, statut=422)
    _judge(vue)
    return Redirection(
        vue.url("raccordement.voir", guichet=guichet.code), f"Certificat enregistré : {pinned.sujet}"
    )


def _answer(vue: Vue, guichet: Guichet, demande: bytes) -> Reponse:
    moyens = vue.services.moyens
    autorite = None if moyens is None else moyens.autorite()
    if autorite is None:
        texte = "cet échangeur n'a pas d'autorité : demandez au partenaire un certificat de la sienne"
        refused = Constat("DEMANDE-REFUSEE", "certificat", texte)
        return _page(vue, guichet, EtapeRaccordement.CERTIFICATS, (refused,), statut=422)
    emis = answer_request(vue.conn, autorite, guichet, demande, instant=vue.maintenant)
    if not isinstance(emis, Emis):
        found = _renamed("certificat", emis)
        return _page(vue, guichet, EtapeRaccordement.CERTIFICATS, found, statut=422)
    _judge(vue)
    vers = vue.url("raccordement.voir", guichet=guichet.code, etape=EtapeRaccordement.CERTIFICATS.value)
    return Redirection(vers, "Certificat émis et enregistré : prenez le fichier et transmettez-le.")


def _judge(vue: Vue) -> None:
    """Its authority says at once what it thinks of it."""
    if vue.services.moyens is not None:
        judge_due(vue.conn, vue.services.moyens.juge, instant=vue.maintenant)


def read_data(vue: Vue) -> bytes:
    """The file sent, else the text that was pasted."""
    envoi = vue.envois.get("fichier")
    return envoi.octets if envoi is not None and envoi.octets else vue.champs.get("texte", "").encode()


def read_usages(vue: Vue) -> frozenset[UsageCertificat]:
    """The uses ticked; none: all that the key allows."""
    return frozenset(each for each in UsageCertificat if each.value in vue.champs.getall("usage", []))


def read_day(texte: str) -> datetime | Constat | None:
    """The day (UTC) when a certificate comes into use; None when nothing is said. Pure."""
    if not texte:
        return None
    try:
        return datetime.strptime(texte, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return Constat("CERTIFICAT-JOUR", "actif_du", f"« {texte[:20]} » n'est pas un jour (aaaa-mm-jj)")


async def try_endpoint(vue: Vue) -> Reponse:
    """Try the reception endpoint, and keep what was found."""
    code = vue.parametres["guichet"]
    moyens = vue.services.moyens
    if moyens is None:
        return Refus(anomalies.SANS_MOYENS())
    adresse = await asyncio.to_thread(_address_of, vue, code)
    if adresse:
        locales = vue.services.reglages.essais_locaux
        found = await try_reception(adresse, moyens.client_tls, locales=locales)
        constats = tuple((each.etape, each.reussie, each.detail) for each in found)
        essai = EssaiReception(code, adresse, vue.maintenant, vue.agent.courriel, constats)
        await asyncio.to_thread(_keep, vue, essai)
    return Redirection(vue.url("raccordement.voir", guichet=code, etape=EtapeRaccordement.ESSAI.value))


def _address_of(vue: Vue, code: str) -> str:
    with vue.services.engine.connect() as conn:
        guichet = get_guichet(conn, code)
    return "" if guichet is None else guichet.adresse_reception


def _keep(vue: Vue, essai: EssaiReception) -> None:
    with vue.services.engine.begin() as conn:
        record_essai(conn, essai)


def rehearse(vue: Vue) -> Reponse:
    """Send a real signed message to the guichet, with the next keys, after what can be tried here."""
    guichet, moyens = find(vue), vue.services.moyens
    if moyens is None:
        return Refus(anomalies.SANS_MOYENS())
    hub = moyens.hub()
    planned = plan(vue.conn, guichet, hub, instant=vue.maintenant)
    if isinstance(planned, Constat):
        return Refus(anomalies.PARTENAIRE_REFUSE(planned.texte))
    failed = [each for each in try_here(planned, hub) if not each.reussie]
    if failed:
        return Refus(anomalies.PARTENAIRE_REFUSE(f"{failed[0].nom} : {failed[0].detail}"))
    if planned.clefs is None:
        return Refus(anomalies.PARTENAIRE_REFUSE("rien ne peut voyager : courrier fermé, ou sans certificat"))
    travel(vue.conn, guichet.code, planned.clefs, instant=vue.maintenant, recommencer=True)
    vers = one_of_pages(vue)
    return Redirection(vers, "Un courrier signé et chiffré part vers le guichet.")


def one_of_pages(vue: Vue) -> str:
    """Back to the page that the form was on."""
    code = vue.parametres["guichet"]
    if vue.champs.get("retour") == "cles":
        return vue.url("certificats.cles")
    return vue.url("raccordement.voir", guichet=code, etape=EtapeRaccordement.ESSAI.value)


PAGES: Final = (
    Page(
        "raccordement.voir",
        "/partenaires/{guichet}/raccordement",
        "Raccordement",
        show,
        GERANTS,
        objet=Objet.GUICHET,
    ),
    act_on_guichet("raccordement.canal", "canal", "Canal", set_channel, "changer le canal d'un guichet"),
    act_on_guichet(
        "raccordement.certificat",
        "certificats",
        "Enregistrer un certificat",
        register_certificat,
        "enregistrer un certificat",
    ),
    act_on_guichet(
        "raccordement.essayer", "essai", "Essayer", try_endpoint, "essayer une adresse de réception"
    ),
    act_on_guichet("raccordement.repeter", "repetition", "Répéter", rehearse, "répéter avec un guichet"),
)
