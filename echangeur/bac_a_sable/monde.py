"""Who is in a sandbox: the guichet of the partner, and those with which it shares its territory."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from certs.autorite import Autorite
from certs.lecture import Certificat, read_certificat
from dispatching.canaux import switch_canal
from echangeur.bac_a_sable.horloge import HORIZON
from echangeur.sortie import MauvaisUsage
from filters.language import filtre
from filters.store import VersionFiltre, save_filtre
from registry.certificats import CertificatEpingle, pin_certificat
from registry.echanges import Emetteur
from registry.guichets import PORTAIL, CanalDistribution, Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, get_guichet, set_adresse_courrier

T = TypeVar("T")

VOISIN: Final = "BAC01"
ETAT: Final = "BAC02"
TYPES_RECHERCHES: Final = ("T2", "T3")
"""Types of dwelling that the filter of the partner takes, and that what its neighbour registers wishes."""


class Choix(Struct, frozen=True, forbid_unknown_fields=True):
    """What the developer says of the sandbox; kept in its folder.

    guichet, nom, type, siren, perimetre, territoire: of the partner
    (`registry.guichets_store.NouveauGuichet`). certificat: file of the certificate of its own; empty, the
    sandbox issues one. autorite: file of the authorities of its own, trusted too for its certificates and for
    the server that it has distributions pushed to. reception: https address where distributions are pushed.
    courrier: address of its mailbox.
    """

    graine: str = "1"
    guichet: str = "G1104"
    nom: str = "Mon organisme"
    type: TypeGuichet = TypeGuichet.BAILLEUR
    siren: str = "552046484"
    perimetre: str = ""
    territoire: str = "111"
    certificat: str = ""
    autorite: str = ""
    reception: str = ""
    courrier: str = ""
    canal: CanalDistribution = CanalDistribution.RETRAIT


def guichets_of(choix: Choix) -> tuple[NouveauGuichet, ...]:
    """The partner first, then those around it."""
    territoires = frozenset({choix.territoire})
    return (
        NouveauGuichet(
            choix.guichet,
            choix.nom,
            choix.type,
            choix.siren,
            territoires,
            choix.perimetre,
            adresse_reception=choix.reception,
        ),
        NouveauGuichet(
            VOISIN, "Bailleur voisin (bac à sable)", TypeGuichet.BAILLEUR, "552046955", territoires
        ),
        NouveauGuichet(ETAT, "Service de l'État (bac à sable)", TypeGuichet.ETAT, "130005481", territoires),
        NouveauGuichet(PORTAIL, "Portail grand public (bac à sable)", TypeGuichet.PORTAIL, "", territoires),
    )


def settle(
    conn: Connection, choix: Choix, autorite: Autorite, dossier: Path, *, debut: datetime, now: datetime
) -> dict[str, Emetteur]:
    """Register all of them as of `debut`, with their certificates, and the channel and filter of the partner
    as of three days ago; those who speak, by code. dossier: where the files of the partner go.

    Raises MauvaisUsage, with what is wrong with what the developer said.
    """
    emetteurs = {}
    for nouveau in guichets_of(choix):
        _accepted(add_guichet(conn, nouveau, instant=debut), Guichet)
        if nouveau.code == choix.guichet:
            pem = _partner_certificate(choix, autorite, dossier, now)
        else:
            pem = autorite.issue_guichet(nouveau.code, now=debut, nom=nouveau.nom, duree=HORIZON).certificat
        epingle = _accepted(pin_certificat(conn, nouveau.code, pem, instant=now), CertificatEpingle)
        guichet = get_guichet(conn, nouveau.code)
        assert guichet is not None
        emetteurs[nouveau.code] = Emetteur(guichet, epingle.empreinte)
    if choix.courrier:
        _none(set_adresse_courrier(conn, choix.guichet, choix.courrier))
    _none(switch_canal(conn, choix.guichet, choix.canal, instant=debut))
    recherche = filtre("Deux et trois pièces", types_logement=list(TYPES_RECHERCHES))
    avant = now - timedelta(days=3)
    _accepted(save_filtre(conn, choix.guichet, recherche, instant=avant), VersionFiltre)
    return emetteurs


def _partner_certificate(choix: Choix, autorite: Autorite, dossier: Path, now: datetime) -> bytes:
    dossier.mkdir(parents=True, exist_ok=True)
    (dossier / "ca.pem").write_bytes(autorite.pem)
    if not choix.certificat:
        identite = autorite.issue_guichet(
            choix.guichet, now=now, nom=choix.nom, siren=choix.siren, duree=HORIZON
        )
        identite.write(dossier)
        return identite.certificat
    data = read_given(choix.certificat)
    lu = read_certificat(data)
    if not isinstance(lu, Certificat):
        raise MauvaisUsage(f"{choix.certificat} : {lu.message}")
    return data


def read_given(fichier: str) -> bytes:
    """A file that the developer named. Raises MauvaisUsage when it cannot be read."""
    try:
        return Path(fichier).read_bytes()
    except OSError as error:
        raise MauvaisUsage(f"Le fichier {fichier} ne se lit pas ({error.strerror}).") from error


def _accepted(result: object, wanted: type[T]) -> T:
    if not isinstance(result, wanted):
        raise _refused(result)
    return result


def _none(constats: tuple[object, ...]) -> None:
    if constats:
        raise _refused(constats)


def _refused(result: object) -> MauvaisUsage:
    """The findings, said."""
    constats = result if isinstance(result, tuple) else (result,)
    return MauvaisUsage(
        "Le bac à sable n'est pas fait : "
        + " ; ".join(getattr(each, "texte", str(each)) for each in constats)
    )
