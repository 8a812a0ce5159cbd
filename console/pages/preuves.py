"""The proof of the certified date of a demande: for auditors too, since nothing in it is nominative."""

from __future__ import annotations

from typing import Final

from console import anomalies
from console.table import TOUS, Objet, Page
from console.vue import Refus, Rendu, Reponse, Telechargement, Vue
from registry.preuve import prove, write_preuve


def show(vue: Vue) -> Reponse:
    """The entries of the journal, and how to verify them."""
    preuve = prove(vue.conn, vue.parametres["numero"])
    if preuve is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    return Rendu("preuve.html", {"preuve": preuve})


def give(vue: Vue) -> Reponse:
    """The same, to be verified elsewhere."""
    preuve = prove(vue.conn, vue.parametres["numero"])
    if preuve is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    text = write_preuve(preuve).encode("ascii")
    return Telechargement(f"preuve-{preuve.numero}.txt", "text/plain; charset=us-ascii", text)


PAGES: Final = (
    Page(
        "demandes.preuve",
        "/demandes/{numero}/preuve",
        "Preuve de la date certifiée",
        show,
        TOUS,
        objet=Objet.DEMANDE,
    ),
    Page(
        "demandes.preuve.fichier",
        "/demandes/{numero}/preuve.txt",
        "Preuve de la date certifiée, en fichier",
        give,
        TOUS,
        objet=Objet.DEMANDE,
    ),
)
