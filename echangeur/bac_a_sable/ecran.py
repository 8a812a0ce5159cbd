"""What the screen says when the sandbox is ready: where it is reached, with which files, and a first call to
copy."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from echangeur.bac_a_sable.comptes import COURRIELS
from echangeur.bac_a_sable.dossier import ECHANGEUR, Bac
from echangeur.bac_a_sable.voisin import draw
from echangeur.composition import Pret
from echangeur.sortie import french
from soap.faults import NS_SOAP, NS_WS

_SERVICE: Final = "DemandeLogementImplService"
APPEL_XML: Final = "premier-appel.xml"
APPEL_PY: Final = "premier_appel.py"

_PYTHON: Final = '''"""Enregistre une demande au bac à sable ; il faut les paquets zeep et requests."""

import pathlib

import requests
import zeep

DOSSIER = pathlib.Path(__file__).parent
session = requests.Session()
session.trust_env = False  # sinon REQUESTS_CA_BUNDLE l'emporterait sur ca.pem
session.cert = ("{cert}", "{key}")
session.verify = str(DOSSIER / "ca.pem")
client = zeep.Client("{adresse}?wsdl", transport=zeep.Transport(session=session))
reponse = client.service.getNumUnique(
    nomFichierDemande="{nom}",
    fichierDemande=(DOSSIER / "premiere-demande.xml").read_bytes(),
    nomCertificat="",
    certificat=b"",
    complet="non",
)
print(reponse["fichierDemande"]["_value_1"].decode())
'''


def write_first_call(bac: Bac, base: str) -> None:
    """The files of the first call, beside the certificates: a new demande at each start."""
    graine = f"premier appel {bac.horloge.now().isoformat()}"
    demande = draw(bac.fiche.choix, bac.fiche.choix.guichet, bac.horloge, graine)
    nom = f"DEM{bac.fiche.choix.guichet}-202601010000-000001.xml"
    contenu = base64.b64encode(demande).decode("ascii")
    enveloppe = (
        f'<soap:Envelope xmlns:soap="{NS_SOAP}" xmlns:ws="{NS_WS}"><soap:Body><ws:numUniqueParametres>'
        f"<nomFichierDemande>{nom}</nomFichierDemande><fichierDemande>{contenu}</fichierDemande>"
        "<nomCertificat></nomCertificat><certificat></certificat><complet>non</complet>"
        "</ws:numUniqueParametres></soap:Body></soap:Envelope>"
    )
    dossier = bac.partenaire
    (dossier / APPEL_XML).write_text(enveloppe, encoding="utf-8")
    (dossier / "premiere-demande.xml").write_bytes(demande)
    cert, key = _paire(bac)
    (dossier / APPEL_PY).write_text(
        _PYTHON.format(cert=cert, key=key, adresse=f"{base}/services/{_SERVICE}", nom=nom), encoding="utf-8"
    )


def first_call(bac: Bac, base: str) -> str:
    """The first call, as it is typed in a shell."""
    cert, key = _paire(bac)
    dossier = bac.partenaire
    return (
        f"curl --silent --cert {cert} --key {key} --cacert {dossier / 'ca.pem'} \\\n"
        f"  --header 'Content-Type: application/soap+xml; charset=utf-8; action=\"{NS_WS}getNumUnique\"' \\\n"
        f"  --data-binary @{dossier / APPEL_XML} {base}/services/{_SERVICE}"
    )


def _paire(bac: Bac) -> tuple[str, str]:
    """The certificate and the key of the partner; of its own key, only the place where it goes is known."""
    choix = bac.fiche.choix
    if choix.certificat:
        return choix.certificat, "VOTRE-CLE.pem"
    return str(bac.partenaire / "cert.pem"), str(bac.partenaire / "key.pem")


def lines(bac: Bac, pret: Pret) -> list[str]:
    """All that the screen says, the readiness line last."""
    choix, acces, now = bac.fiche.choix, bac.fiche.acces, bac.horloge.now()
    base = pret.soap.replace("127.0.0.1", "localhost")
    console = pret.console.replace("127.0.0.1", "localhost")
    cert, key = _paire(bac)
    partenaire = bac.partenaire
    return [
        "",
        f"Votre guichet : {choix.guichet}, {choix.nom} ({choix.type.value}), territoire {choix.territoire}",
        f"Horloge : {french(now)}"
        + (f", en avance de {_avance(bac)}" if bac.horloge.etat.decalage else ", celle de la machine"),
        "",
        "Services SOAP, en TLS mutuel :",
        *(f"  {base}/services/{service}?wsdl" for service in pret.services),
        f"  certificat {cert}",
        f"  clé        {key}",
        f"  autorité   {partenaire / 'ca.pem'}",
        "",
        "Premier appel, à copier :",
        first_call(bac, base),
        f"  ou : python {partenaire / APPEL_PY}",
        "",
        f"Courrier : {ECHANGEUR}, SMTP et STARTTLS sur {pret.reception}",
        f"  chiffrez pour {partenaire / 'echangeur-chiffrement.pem'}",
        f"  vérifiez avec {partenaire / 'echangeur-signature.pem'}",
        f"  ce que l'échangeur vous envoie : {bac.dossier / 'boites'}",
        "",
        f"Console : {console} (autorité {partenaire / 'ca.pem'})",
        *(f"  compte {courriel}, mot de passe {acces.mot_de_passe}" for courriel in COURRIELS),
        f"  code à six chiffres : {_command(bac)} code",
        "",
        f"Distributions : canal {choix.canal.value}"
        + (f", vers {choix.reception}" if choix.reception else ""),
        "",
        "Dans un autre terminal :",
        f"  {_command(bac)} demandes        les demandes semées, et leur état",
        f"  {_command(bac)} valeurs         ce qui provoque chaque anomalie et chaque panne",
        f"  {_command(bac)} distribuer      une demande d'un voisin, qui vous arrive",
        f"  {_command(bac)} horloge +13mois avance le temps",
        f"  {_command(bac)} vider           remet tout comme au départ",
        "",
        f"Prêt : {base} (Ctrl-C pour arrêter)",
    ]


def _command(bac: Bac) -> str:
    defaut = Path("bac-a-sable").absolute()
    option = "" if bac.dossier == defaut else f" --dossier {bac.dossier}"
    return f"echangeur bac-a-sable{option}"


def _avance(bac: Bac) -> str:
    jours, reste = divmod(round(bac.horloge.etat.decalage), 86_400)
    return f"{jours} jour(s)" if jours else f"{reste // 60} minute(s)"
