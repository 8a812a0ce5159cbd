"""Family 10, of a partner: the callers that its service of reception must not listen to."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.assertion import Capacite, Constat, Niveau, client
from conformance.contrefacon import Genre
from conformance.livraison import deliver, not_taken, taken
from conformance.presentation import BON, TLS_ANCIEN
from conformance.pupitre import Pupitre

_RECEPTION = (Capacite.RECEPTION,)
_ESSAI = (Capacite.RECEPTION, Capacite.AUTORITE)


def _refuses(p: Pupitre, qui: str, quoi: str) -> Iterator[Constat]:
    yield not_taken(quoi, deliver(p, p.document("DIS"), 1, qui=qui))


@client(
    "C0705",
    "DST-15",
    titre="Sans certificat client, rien n'est accusé",
    conduite="Exiger le certificat de l'échangeur.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def wants_a_certificate(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, "", "sans certificat")


@client(
    "C0706",
    "DST-15",
    titre="Un certificat d'une autorité inconnue n'obtient pas d'accusé",
    conduite="N'admettre que l'autorité, ou l'empreinte, de l'échangeur.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def wants_a_known_certificate(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, Genre.ETRANGER, "certificat inconnu")


@client(
    "C1009",
    "DST-15",
    titre="Un certificat expiré n'obtient pas d'accusé",
    conduite="Vérifier les dates du certificat de l'appelant.",
    exige=_ESSAI,
    apres=("C0701",),
)
def refuses_expired(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, Genre.EXPIRE, "certificat expiré")


@client(
    "C1010",
    "DST-15",
    titre="Un certificat pas encore valide n'obtient pas d'accusé",
    conduite="Vérifier les dates du certificat de l'appelant.",
    exige=_ESSAI,
    apres=("C0701",),
)
def refuses_not_yet(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, Genre.FUTUR, "certificat pas encore valide")


@client(
    "C1011",
    "DST-15",
    titre="Un certificat signé par lui-même n'obtient pas d'accusé",
    conduite="N'admettre que l'autorité, ou l'empreinte, de l'échangeur.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_self_signed(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, Genre.AUTO_SIGNE, "certificat auto-signé")


@client(
    "C1012",
    "DST-15",
    titre="Un certificat qui n'est pas d'un client n'obtient pas d'accusé",
    conduite="Vérifier l'usage étendu clientAuth.",
    exige=_ESSAI,
    apres=("C0701",),
)
def refuses_other_usage(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, Genre.AUTRE_USAGE, "certificat d'un autre usage")


@client(
    "C1013",
    "DST-15",
    titre="Un certificat à clé faible (RSA de 1024 bits) n'obtient pas d'accusé",
    conduite="Refuser RSA sous 2048 bits.",
    exige=_ESSAI,
    apres=("C0701",),
)
def refuses_weak_key(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, Genre.CLE_FAIBLE, "clé faible")


@client(
    "C1014",
    "DST-15",
    "CER-30",
    titre="Un certificat au chemin trop long n'obtient pas d'accusé",
    conduite="Vérifier le chemin selon la RFC 5280, longueur comprise.",
    exige=_ESSAI,
    apres=("C0701",),
)
def refuses_long_path(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, Genre.CHEMIN_LONG, "chemin trop long")


@client(
    "C1015",
    "SOA-1",
    titre="Un appel en TLS 1.1 n'obtient pas d'accusé",
    conduite="Ne permettre que TLS 1.2 et TLS 1.3.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_old_tls(p: Pupitre) -> Iterator[Constat]:
    yield from _refuses(p, TLS_ANCIEN, "TLS 1.1")


@client(
    "C1016",
    "DST-15",
    "CER-52",
    titre="Le prochain certificat de l'échangeur, de la même autorité, est accepté à côté de l'actuel",
    conduite="Faire confiance à l'autorité, ou enregistrer d'avance le prochain certificat.",
    niveau=Niveau.DEVRAIT,
    exige=_ESSAI,
    apres=("C0701",),
)
def follows_a_rotation(p: Pupitre) -> Iterator[Constat]:
    for qui, quoi in ((Genre.BON, "prochain certificat"), (BON, "certificat actuel")):
        contenu = p.document("DIS")
        yield from taken(quoi, deliver(p, contenu, 1, qui=qui), contenu)
