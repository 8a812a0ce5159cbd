"""What a partner needs to connect, on one sheet: to print, or as the text of a mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from certs.lecture import Certificat, read_certificat
from console.libelles_partenaires import ETAPES, TOURS, TYPES
from console.moyens import Moyens
from console.pages.cles import published
from console.pages.partenaires import GERANTS, find, name_territoires
from console.pages.raccordement import follow
from console.table import GUICHETS, Objet, Page
from console.vue import Rendu, Reponse, Telechargement, Vue
from registry.guichets import CanalDistribution, Guichet
from registry.raccordement import Etat
from schemas import contract

CE_QU_IL_EST: Final = {
    "echangeur-autorite.pem": "autorité de nos certificats : à déclarer de confiance",
    "echangeur-client.pem": "certificat que nous présentons à votre service de réception",
    "echangeur-signature.pem": "certificat avec lequel nous signons nos courriers",
    "echangeur-chiffrement.pem": "certificat pour lequel chiffrer les courriers que vous nous envoyez",
    "echangeur-signature-suivant.pem": "prochain certificat de signature : à enregistrer dès maintenant",
    "echangeur-chiffrement-suivant.pem": "prochain certificat de chiffrement : à enregistrer dès maintenant",
}
"""What each certificate of the hub serves for, as the partner reads it."""


@dataclass(frozen=True, slots=True)
class NotreCertificat:
    """A certificate of the hub, as the sheet shows it."""

    fichier: str
    role: str
    certificat: Certificat


@dataclass(frozen=True, slots=True)
class Fiche:
    """What the sheet says. services: name and address of the WSDL."""

    guichet: Guichet
    services: tuple[tuple[str, str], ...]
    certificats: tuple[NotreCertificat, ...]
    courrier: str
    etats: tuple[Etat, ...]


def show(vue: Vue) -> Reponse:
    """The sheet."""
    fiche = _read(vue)
    texte = write_mail(fiche)
    sujet = f"Raccordement du guichet {fiche.guichet.code} à l'échangeur"
    valeurs = {
        "fiche": fiche,
        "guichet": fiche.guichet,
        "territoires": name_territoires(fiche.guichet.territoires),
        "texte": texte,
        "mailto": f"mailto:?subject={quote(sujet)}&body={quote(texte)}",
        "types": TYPES,
        "libelles": ETAPES,
        "tours": TOURS,
        "gere": vue.agent.profil in GERANTS,
    }
    return Rendu("fiche.html", valeurs)


def download(vue: Vue) -> Reponse:
    """The text of the mail."""
    fiche = _read(vue)
    nom = f"raccordement-{fiche.guichet.code}.txt"
    return Telechargement(nom, "text/plain; charset=utf-8", write_mail(fiche).encode())


def _read(vue: Vue) -> Fiche:
    guichet, moyens = find(vue), vue.services.moyens
    return Fiche(
        guichet,
        () if moyens is None else services_of(moyens.services),
        () if moyens is None else certificats_of(moyens),
        "" if moyens is None else moyens.courrier,
        follow(vue, guichet).etats,
    )


def services_of(base: str) -> tuple[tuple[str, str], ...]:
    """The services that the hub serves, with the addresses of their WSDL. Pure."""
    return tuple((nom, f"{base}/services/{nom}?wsdl") for nom in (*contract.SERVICES, *contract.OWN_SERVICES))


def certificats_of(moyens: Moyens) -> tuple[NotreCertificat, ...]:
    """Those of the hub that read."""
    found = []
    for fichier, pem in published(moyens).items():
        lu = read_certificat(pem)
        if isinstance(lu, Certificat):
            found.append(NotreCertificat(fichier, CE_QU_IL_EST[fichier], lu))
    return tuple(found)


def write_mail(fiche: Fiche) -> str:
    """The sheet as plain text. Pure."""
    guichet = fiche.guichet
    lines = [
        "Bonjour,",
        "",
        "Voici de quoi raccorder votre logiciel à l'échangeur,",
        f"pour le guichet {guichet.code} ({guichet.nom}).",
        "",
        "Adresses des services (contrat WSDL, lisible sans certificat) :",
        *(f"- {nom} : {adresse}" for nom, adresse in fiche.services),
        "",
        "Nos certificats (empreintes SHA-256) :",
        *(
            f"- {each.fichier} : {each.role} ; {each.certificat.empreinte} ;"
            f" jusqu'au {each.certificat.valide_au:%d/%m/%Y}"
            for each in fiche.certificats
        ),
    ]
    if fiche.courrier:
        lines += ["", f"Adresse de courrier de l'échangeur : {fiche.courrier}"]
    lines += ["", "Ce que nous attendons de vous :", *(f"- {each}" for each in asked(fiche))]
    return "\n".join([*lines, "", "Cordialement,", ""])


def asked(fiche: Fiche) -> list[str]:
    """What the partner must still do or give. Pure."""
    found = [each.manque for each in fiche.etats if not each.faite and each.tour == "partenaire"]
    if fiche.guichet.canal is CanalDistribution.PUSH:
        found.append("admettre notre certificat client à votre adresse de réception")
    return found or ["rien de plus : tout est prêt de notre côté"]


_VOIENT: Final = {**GUICHETS, **GERANTS}

PAGES: Final = (
    Page(
        "raccordement.fiche",
        "/partenaires/{guichet}/fiche",
        "Fiche de raccordement",
        show,
        _VOIENT,
        objet=Objet.GUICHET,
    ),
    Page(
        "raccordement.texte",
        "/partenaires/{guichet}/fiche.txt",
        "Texte du message",
        download,
        _VOIENT,
        objet=Objet.GUICHET,
    ),
)
