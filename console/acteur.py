"""An account of the console as the folders below know who asks: a guichet, and a profile."""

from __future__ import annotations

from console.agent import Agent
from console.profils import DU_REGISTRE
from console.vue import Vue
from registry.acces_pieces import Acteur
from registry.echanges import Canal, Echange, Emetteur
from registry.guichets import Guichet, TypeGuichet
from registry.profils import Profil


def guichet_of(agent: Agent) -> Guichet:
    """His guichet; for a gestionnaire, an office without code that reads his territories whole."""
    if agent.guichet is not None:
        return agent.guichet
    return Guichet("", agent.nom, TypeGuichet.ETAT, "", agent.territoires)


def profil_of(agent: Agent) -> Profil | None:
    """What he may do with demandes and pièces; None for an account that is of no registry profile."""
    return DU_REGISTRE.get(agent.profil)


def acteur_of(vue: Vue, operation: str) -> Acteur:
    """Who acts on a dossier, for an account that has a registry profile. No message came: there is no
    certificate and there are no bytes."""
    profil = profil_of(vue.agent)
    assert profil is not None, f"{vue.agent.profil} has no profile of the registry"
    emetteur = Emetteur(guichet_of(vue.agent), "", profil)
    echange = Echange(vue.echange, emetteur, Canal.CONSOLE, operation, vue.maintenant, b"")
    return Acteur(echange, vue.agent.courriel)
