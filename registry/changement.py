"""What a fact sent by a partner makes of a demande that exists: MOD, REN, RAD, déradiation, SUP. Pure.

A MOD, a REN and a radiation for attribution bring the whole demande, which replaces the one registered but
for what another fact owns. The other radiations, the déradiation and the suppression bring nothing but
themselves: the rest of their file is not read, so that an old copy cannot undo what others changed.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from lxml import etree

from registry import anomalies_vie as catalogue
from registry.anomalies import Anomalie
from registry.anomalies_demande import CODE_INCONNU
from registry.conditions import Cas
from registry.controles import PARIS, check_content, check_guichet, format_jour, territoire_of
from registry.cycle import Ligne, follow
from registry.documents_gardes import read_tree
from registry.echanges import Echange
from registry.evaluation import CleRejeu
from registry.guichets import Guichet
from registry.identites import CleIdentite, cles_of
from registry.lifecycle import Fait
from registry.moments import say_second
from registry.regles import Regles
from registry.situation import Situation
from registry.validite import SANS_RENOUVELLEMENT, reactivation_limit
from registry.versions import ANCIENNE
from schemas.demande import Demande, read_demande
from schemas.lecture import PREFIX
from schemas.revision import body_of, keep, keep_dalo, keep_demandeur, mark_changes, put, put_text
from schemas.violations import Violation

ATTRIBUTION: Final = "RADATT"

_CORPS: Final = "/interfaceNuu/demande/demandeLogement"
_JETON: Final = re.compile(r"V([0-9]{6})", re.ASCII)

# What a file that brings the whole demande never changes: other facts or other services own it.
_DU_REGISTRE: Final = ("numUniqueAssocie", "informationTraitement", "dateDerniereModificationPiece")


# What a file of version 02.00 cannot say, hence does not change ([VIE-18]).
_SANS_0200: Final = ("notifSms", "notifEvt")


@dataclass(frozen=True, slots=True)
class ChangementRecu:
    """A valid document about a demande that exists, with all that could be said of it beforehand.

    operation, empreinte, nom_fichier: as in registry.evaluation.DemandeRecue.
    anomalies: findings of `check_change`; when there are some, only a replay saves the file.
    """

    echange: Echange
    operation: str
    empreinte: bytes
    demande: Demande
    fait: Fait
    motif: str
    anomalies: tuple[Anomalie, ...]
    nom_fichier: str

    @property
    def guichet(self) -> Guichet:
        return self.echange.emetteur.guichet

    @property
    def cle_rejeu(self) -> CleRejeu:
        return (self.guichet.code, self.operation, self.empreinte)

    @property
    def jour(self) -> date:
        """The day of reception, in Paris."""
        return self.echange.recu_le.astimezone(PARIS).date()

    @property
    def entier(self) -> bool:
        """True when the file brings the whole demande."""
        return brings_all(self.fait, self.motif)


@dataclass(frozen=True, slots=True)
class Suite:
    """What follows: the situation after the fact, but for its document, and the demande as to be emitted.

    root: the new document, marked. cles: its identity keys, or None when the fact leaves them as they are.
    """

    ligne: Ligne
    apres: Situation
    root: etree._Element
    demande: Demande
    cles: tuple[CleIdentite, ...] | None


def brings_all(fait: Fait, motif: str) -> bool:
    """True for the facts whose file replaces the demande ([VIE-10])."""
    return fait in (Fait.MODIFICATION, Fait.RENOUVELLEMENT) or motif == ATTRIBUTION


def fact_of(demande: Demande) -> tuple[Fait, str]:
    """The fact that a file of SUITES tells, and its motive when it is a radiation ([VIE-40])."""
    fait = Fait(demande.type_fichier)
    if fait is not Fait.RADIATION or demande.radiation is None:
        return fait, ""
    motif = demande.radiation.motif
    return (Fait.RADIATION, motif) if motif else (Fait.DERADIATION, "")


def check_change(demande: Demande, guichet: Guichet, codes: tuple[Violation, ...]) -> tuple[Anomalie, ...]:
    """What can be said of such a file without looking at the register."""
    fait, motif = fact_of(demande)
    anomalies = [*check_guichet(demande, guichet)]
    if demande.num_unique is None:
        anomalies.append(catalogue.SANS_NUMERO(demande.type_fichier, "", f"{_CORPS}/numUnique"))
    if fait is Fait.RADIATION and demande.radiation is None:
        anomalies.append(catalogue.SANS_RADIATION(propriete=f"{_CORPS}/radiation"))
    if brings_all(fait, motif):
        anomalies += check_content(demande, guichet, codes)
    else:
        # The rest of the file is not read.
        anomalies += _codes(tuple(v for v in codes if "/radiation/" in v.path))
    return tuple(anomalies)


def _codes(codes: tuple[Violation, ...]) -> tuple[Anomalie, ...]:
    """Unknown codes, as anomalies."""
    return tuple(CODE_INCONNU(v.message, v.expected, v.path) for v in codes)


def plan(recu: ChangementRecu, situation: Situation, regles: Regles) -> Suite | tuple[Anomalie, ...]:
    """What the fact makes of the demande, or all that is against it ([VIE-4])."""
    cas = Cas(recu.demande, recu.guichet, situation, recu.jour, regles)
    ligne = follow(cas, recu.fait, recu.motif)
    anomalies = [*(ligne if isinstance(ligne, tuple) else ()), *_discordances(recu, situation)]
    if isinstance(ligne, tuple) or anomalies:
        return tuple(anomalies)
    conflit = _conflict(recu, situation)
    if conflit is not None:
        return (conflit,)
    ancien = read_tree(situation.document)
    root = _merge(recu, ancien)
    mark_changes(root, ancien)
    demande = read_demande(root)
    apres = replace(_dates(recu, situation, regles), etat=ligne.vers, version=situation.version + 1)
    if not recu.entier:
        return Suite(ligne, apres, root, demande, None)
    apres = replace(apres, communes=demande.communes_souhaitees, types=demande.types_logement)
    cles = cles_of(demande)
    return Suite(ligne, apres, root, demande, None if cles == cles_of(read_demande(ancien)) else cles)


def _discordances(recu: ChangementRecu, situation: Situation) -> list[Anomalie]:
    demande = recu.demande
    found = []
    if demande.date_creation != situation.date_depot:
        found.append(
            catalogue.DEPOT_DISCORDANT(
                format_jour(demande.date_creation),
                format_jour(situation.date_depot),
                f"{_CORPS}/dateCreationDemande",
            )
        )
    if not recu.entier:
        return found
    territoire = territoire_of(demande)
    if territoire is not None and territoire != situation.territoire:
        found.append(
            catalogue.AUTRE_TERRITOIRE(
                territoire, situation.territoire, f"{_CORPS}/logementRecherche/listeLocalisationSouhaite"
            )
        )
    if demande.num_unique_associe not in (None, situation.numero_origine):
        found.append(_reserved("le numéro associé", situation.numero_origine, "numUniqueAssocie"))
    if recu.fait is not Fait.RENOUVELLEMENT and demande.date_renouvellement not in (
        None,
        situation.date_renouvellement,
    ):
        connue = situation.date_renouvellement
        texte = None if connue is None else format_jour(connue)
        found.append(_reserved("la date de renouvellement", texte, "renouvellement"))
    if recu.fait is not Fait.RADIATION and demande.radiation is not None and demande.radiation.motif:
        found.append(_reserved("la radiation", None, "radiation"))
    return found


def _reserved(quoi: str, connu: str | None, element: str) -> Anomalie:
    attendu = f"Valeur enregistrée : {connu}." if connu else "La demande n'en a pas."
    return catalogue.PARTIE_RESERVEE(quoi, attendu, f"{_CORPS}/{element}")


def _conflict(recu: ChangementRecu, situation: Situation) -> Anomalie | None:
    """Did another guichet change the demande since the version that the sender started from?

    The token is the incrementFichier of what the hub emits, when the file brings it back. Without it, a file
    that replaces the demande must have been written (dateFichier) after the last change made by another
    ([VIE-13]).
    """
    vue = _JETON.fullmatch(recu.demande.increment_fichier.strip())
    constat = (
        f"version {situation.version}, du {say_second(situation.instant)}, par le guichet {situation.auteur}"
    )
    if vue is not None:
        if int(vue[1]) == situation.version:
            return None
        return catalogue.CONFLIT(constat, f"Version vue : {int(vue[1])}.", f"{_CORPS}/incrementFichier")
    autre = situation.seen_from(recu.guichet.code)
    ecrit = recu.demande.date_fichier
    if not recu.entier or autre is None or ecrit is None or _aware(ecrit) >= autre:
        return None
    return catalogue.CONFLIT(
        constat,
        f"Fichier écrit le {say_second(_aware(ecrit))}.",
        "/interfaceNuu/entete/dateFichier",
    )


def _aware(instant: datetime) -> datetime:
    """A date without a zone is that of Paris (interface/wire §8)."""
    return instant.replace(tzinfo=PARIS) if instant.tzinfo is None else instant


def _merge(recu: ChangementRecu, ancien: etree._Element) -> etree._Element:
    source = recu.demande.root
    if recu.entier:
        root = copy.deepcopy(source)
        keep(root, ancien, _DU_REGISTRE)
        keep_dalo(root, ancien)
        if source.get("versionInterface") == ANCIENNE:
            keep_demandeur(root, ancien, _SANS_0200)
        if recu.fait is not Fait.RENOUVELLEMENT:
            keep(root, ancien, ("renouvellement",))
        if recu.fait is not Fait.RADIATION:
            put(body_of(root), "radiation", None)
        return root
    root = copy.deepcopy(ancien)
    corps = body_of(root)
    put_text(corps, "numGuichet", recu.guichet.code)
    if recu.fait is not Fait.SUPPRESSION:
        found = body_of(source).find(f"{PREFIX}radiation")
        put(corps, "radiation", copy.deepcopy(found) if found is not None else None)
    return root


def _dates(recu: ChangementRecu, situation: Situation, regles: Regles) -> Situation:
    """The situation with the dates and motive that the fact gives it."""
    auteur = recu.guichet.code
    avant = replace(
        situation,
        auteur=auteur,
        instant=recu.echange.recu_le,
        derniers={**situation.derniers, auteur: recu.echange.recu_le},
    )
    match recu.fait:
        case Fait.RENOUVELLEMENT:
            return replace(avant, date_renouvellement=recu.demande.date_renouvellement, sursis=None)
        case Fait.RADIATION:
            radiation = recu.demande.radiation
            assert radiation is not None
            return replace(
                avant,
                date_radiation=radiation.date_radiation,
                motif_radiation=radiation.motif,
                sursis=None,
            )
        case Fait.DERADIATION:
            sursis = None
            if situation.motif_radiation == SANS_RENOUVELLEMENT:
                jour = situation.date_radiation or situation.date_depot
                fin = situation.echeance(regles)
                sursis = reactivation_limit(SANS_RENOUVELLEMENT, jour, fin, regles)
            return replace(avant, date_radiation=None, motif_radiation=None, sursis=sursis)
        case _:
            return avant
