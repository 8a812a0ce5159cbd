"""Family 10, of a partner: the server that its client must not speak to, and its own certificate."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.assertion import Capacite, Constat, client, equal, one_of
from conformance.contrefacon import Genre
from conformance.presentation import TLS_ANCIEN
from conformance.pupitre import Pupitre, first_call

_APPELS = (Capacite.APPELS,)
_ESSAI = (Capacite.APPELS, Capacite.AUTORITE)


def _spared(p: Pupitre, chez: str) -> Iterator[Constat]:
    """Nothing was sent to that server, and the client does not believe that it succeeded."""
    jeu = p.play("enregistrer", p.factice().answer, document=p.document(), chez=chez)
    yield equal("messages envoyés au mauvais serveur", 0, len(jeu.appels))
    if jeu.compte.reussi is not None:
        yield equal("réussite annoncée", False, jeu.reussi)


@client(
    "C0102",
    "SOA-1",
    titre="Le client parle TLS 1.2 ou plus",
    conduite="Permettre TLS 1.2 et TLS 1.3.",
    exige=_APPELS,
)
def speaks_recent_tls(p: Pupitre) -> Iterator[Constat]:
    yield one_of("version de TLS", ("TLSv1.2", "TLSv1.3"), first_call(p).tls)


@client(
    "C0103",
    "SOA-1",
    titre="Le client n'envoie rien à un serveur dont l'autorité lui est inconnue",
    conduite="Vérifier la chaîne du serveur avec les autorités de l'échangeur ; ne jamais désactiver cette vérification.",
    exige=_APPELS,
)
def refuses_unknown_authority(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.ETRANGER)


@client(
    "C0104",
    "SOA-1",
    titre="Le client n'envoie rien à un serveur dont le certificat a expiré",
    conduite="Vérifier les dates du certificat du serveur.",
    exige=_APPELS,
)
def refuses_expired(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.EXPIRE)


@client(
    "C1001",
    "SOA-1",
    titre="Le client n'envoie rien à un serveur dont le certificat n'est pas encore valide",
    conduite="Vérifier les dates du certificat du serveur.",
    exige=_ESSAI,
)
def refuses_not_yet(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.FUTUR)


@client(
    "C1002",
    "SOA-1",
    titre="Le client n'envoie rien à un serveur dont le certificat porte un autre nom",
    conduite="Comparer le nom appelé à ceux du certificat (RFC 9525).",
    exige=_ESSAI,
)
def refuses_other_name(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.AUTRE_NOM)


@client(
    "C1003",
    "SOA-1",
    titre="Le client n'envoie rien à un serveur dont le certificat s'est signé lui-même",
    conduite="Ne pas tenir un certificat pour sa propre autorité.",
    exige=_APPELS,
)
def refuses_self_signed(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.AUTO_SIGNE)


@client(
    "C1004",
    "SOA-1",
    titre="Le client n'envoie rien à un serveur dont le certificat n'est pas d'un serveur",
    conduite="Vérifier l'usage étendu serverAuth.",
    exige=_ESSAI,
)
def refuses_other_usage(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.AUTRE_USAGE)


@client(
    "C1005",
    "SOA-1",
    titre="Le client n'envoie rien à un serveur dont la clé est faible (RSA de 1024 bits)",
    conduite="Refuser RSA sous 2048 bits : niveau de sécurité 2 d'OpenSSL.",
    exige=_ESSAI,
)
def refuses_weak_key(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.CLE_FAIBLE)


@client(
    "C1006",
    "SOA-1",
    "CER-30",
    titre="Le client n'envoie rien à un serveur dont le chemin est trop long pour son autorité",
    conduite="Vérifier le chemin selon la RFC 5280, longueur comprise.",
    exige=_ESSAI,
)
def refuses_long_path(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, Genre.CHEMIN_LONG)


@client(
    "C1007",
    "SOA-1",
    titre="Le client n'envoie rien en TLS 1.1",
    conduite="Ne permettre que TLS 1.2 et TLS 1.3.",
    exige=_APPELS,
)
def refuses_old_tls(p: Pupitre) -> Iterator[Constat]:
    yield from _spared(p, TLS_ANCIEN)


@client(
    "C1008",
    "SOA-1",
    titre="Le client suit un nouveau certificat de la même autorité",
    conduite="Faire confiance à l'autorité de l'échangeur, pas à son certificat du jour : il change.",
    exige=_ESSAI,
)
def follows_a_rotation(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("enregistrer", p.factice().answer, document=p.document(), chez=Genre.BON)
    yield equal("appels au serveur renouvelé", 1, min(len(jeu.appels), 1))
