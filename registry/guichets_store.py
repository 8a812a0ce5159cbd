"""The guichets, kept: added, listed, read, given an address, closed.

Each change increments the generation of identities, so that every process sees it before it next identifies a
partner or decides who receives a demande.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Column, Connection, Row, and_, case, false, func, select, update
from sqlalchemy.dialects.postgresql import insert

from certs.algorithmes import PROFILS
from registry.constats import Constat
from registry.generations import Generation, bump
from registry.guichets import CODE_GUICHET, PORTAIL, CanalDistribution, Guichet, TypeGuichet
from registry.tables import GUICHET
from schemas import cog, territoires
from schemas.kinds import VERSIONS_DEMANDE

_LONGUEUR_NOM: Final = 255


@dataclass(frozen=True, slots=True)
class NouveauGuichet:
    """What the gestionnaire says of a guichet to be added.

    perimetre: INSEE code of the commune for type commune, SIREN of the EPCI for type epci (empty: its
        own `siren`, which is the code of an EPCI), empty for the other types.
    """

    code: str
    nom: str
    type: TypeGuichet
    siren: str
    territoires: frozenset[str]
    perimetre: str = ""
    numerote: bool = False
    adresse_reception: str = ""


def resolve(nouveau: NouveauGuichet) -> Guichet | tuple[Constat, ...]:
    """The guichet with its communes, or all that is wrong with it. Pure.

    A commune reads what wishes it or another commune of its EPCI; an EPCI what wishes one of its communes
    (regles §5, CCH R441-2-6).
    """
    constats = [*_forms(nouveau), *_perimeter(nouveau)]
    if constats:
        return tuple(constats)
    return Guichet(
        code=nouveau.code,
        nom=nouveau.nom.strip(),
        type=nouveau.type,
        siren=nouveau.siren,
        territoires=nouveau.territoires,
        communes=_communes(nouveau),
        numerote=nouveau.numerote,
        adresse_reception=nouveau.adresse_reception,
        canal=CanalDistribution.PUSH if nouveau.adresse_reception else CanalDistribution.RETRAIT,
    )


def add_guichet(
    conn: Connection, nouveau: NouveauGuichet, *, instant: datetime
) -> Guichet | tuple[Constat, ...]:
    """Add a guichet, or say all that is wrong with it; a code is never given twice, even after closing."""
    guichet = resolve(nouveau)
    if not isinstance(guichet, Guichet):
        return guichet
    pose = insert(GUICHET).values(
        code=guichet.code,
        nom=guichet.nom,
        type=guichet.type.value,
        siren=guichet.siren,
        territoires=sorted(guichet.territoires),
        perimetre=_perimetre(nouveau),
        communes=sorted(guichet.communes),
        numerote=guichet.numerote,
        adresse_reception=guichet.adresse_reception,
        canal=guichet.canal.value,
        cree_le=instant,
    )
    if conn.execute(pose.on_conflict_do_nothing().returning(GUICHET.c.code)).first() is None:
        return (Constat("GUICHET-PRIS", "code", f"le guichet {guichet.code} existe déjà"),)
    bump(conn, Generation.IDENTITES)
    return guichet


def list_guichets(conn: Connection) -> tuple[Guichet, ...]:
    """All the guichets, closed ones included, by code."""
    return tuple(_guichet(ligne) for ligne in conn.execute(select(GUICHET).order_by(GUICHET.c.code)))


def get_guichet(conn: Connection, code: str) -> Guichet | None:
    """The guichet of this code, open or closed."""
    ligne = conn.execute(select(GUICHET).where(GUICHET.c.code == code)).first()
    return None if ligne is None else _guichet(ligne)


def set_adresse_reception(conn: Connection, code: str, adresse: str) -> tuple[Constat, ...]:
    """Change where distributions are pushed; empty: nowhere. Empty answer when done.

    A first address opens the channel of pushing; taking the address away leaves the guichet to pull.
    """
    constats = tuple(_address(adresse))
    return constats or _set_adresse(conn, code, GUICHET.c.adresse_reception, CanalDistribution.PUSH, adresse)


def set_adresse_courrier(conn: Connection, code: str, adresse: str) -> tuple[Constat, ...]:
    """Change where distributions are mailed; empty: nowhere. Empty answer when done.

    The channel of mail is never opened by this alone; taking the address away leaves the guichet to pull.
    """
    if adresse and not ADRESSE_COURRIER.fullmatch(adresse):
        texte = f"« {adresse} » n'est pas une adresse de courrier électronique"
        return (Constat("GUICHET-ADRESSE", "adresse", texte),)
    return _set_adresse(conn, code, GUICHET.c.adresse_courrier, CanalDistribution.COURRIER, adresse)


def set_canal(conn: Connection, code: str, canal: CanalDistribution) -> tuple[Constat, ...]:
    """Change the channel in use; the addresses stay. Empty answer when done.

    What waits must be told too: `dispatching.canaux.switch_canal` does both.
    """
    guichet = get_guichet(conn, code)
    if guichet is not None and canal in _ADRESSES and not getattr(guichet, _ADRESSES[canal]):
        texte = f"le canal {canal} demande une adresse, et le guichet {code} n'en a pas"
        return (Constat("GUICHET-CANAL", "canal", texte),)
    pose = update(GUICHET).where(GUICHET.c.code == code).values(canal=canal.value)
    return _applied(conn, code, conn.execute(pose).rowcount)


_ADRESSES: Final = {
    CanalDistribution.PUSH: "adresse_reception",
    CanalDistribution.COURRIER: "adresse_courrier",
}
"""The address that a channel needs."""

ADRESSE_COURRIER: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
"""What a gestionnaire writes by hand; the relay says the rest."""


def _set_adresse(
    conn: Connection, code: str, colonne: Column[str], canal: CanalDistribution, adresse: str
) -> tuple[Constat, ...]:
    suite = case((GUICHET.c.canal == canal.value, CanalDistribution.RETRAIT.value), else_=GUICHET.c.canal)
    if adresse:
        first = and_(GUICHET.c.canal == CanalDistribution.RETRAIT.value, colonne == "")
        opened = first if canal is CanalDistribution.PUSH else false()
        suite = case((opened, canal.value), else_=GUICHET.c.canal)
    pose = update(GUICHET).where(GUICHET.c.code == code).values({colonne: adresse, GUICHET.c.canal: suite})
    return _applied(conn, code, conn.execute(pose).rowcount)


def set_capacites(conn: Connection, code: str, profil: str) -> tuple[Constat, ...]:
    """Change what the guichet is known to read and write (a name of certs.algorithmes.PROFILS). Empty answer
    when done."""
    if profil not in PROFILS:
        texte = f"« {profil} » n'est pas l'un de : {', '.join(PROFILS)}"
        return (Constat("GUICHET-CAPACITES", "profil", texte),)
    pose = update(GUICHET).where(GUICHET.c.code == code).values(capacites=profil)
    return _applied(conn, code, conn.execute(pose).rowcount)


def set_version(conn: Connection, code: str, version: str) -> tuple[Constat, ...]:
    """Change the version of the demande that the guichet reads. Empty answer when done.

    What was made for it before keeps its bytes; what is made from now on is of that version at most.
    """
    if version not in VERSIONS_DEMANDE:
        texte = f"« {version} » n'est pas l'une de : {', '.join(VERSIONS_DEMANDE)}"
        return (Constat("GUICHET-VERSION", "version", texte),)
    pose = update(GUICHET).where(GUICHET.c.code == code).values(version_demande=version)
    return _applied(conn, code, conn.execute(pose).rowcount)


def close_guichet(conn: Connection, code: str, *, instant: datetime) -> tuple[Constat, ...]:
    """Close a guichet: its certificates no longer open anything. Empty answer when done; closing twice keeps
    the first date."""
    pose = (
        update(GUICHET)
        .where(GUICHET.c.code == code)
        .values(ferme_le=func.coalesce(GUICHET.c.ferme_le, instant))
    )
    return _applied(conn, code, conn.execute(pose).rowcount)


def reopen_guichet(conn: Connection, code: str) -> tuple[Constat, ...]:
    """Open again a guichet that was closed, with the certificates and the channel it had. Empty answer when
    done; an open one stays as it is."""
    pose = update(GUICHET).where(GUICHET.c.code == code).values(ferme_le=None)
    return _applied(conn, code, conn.execute(pose).rowcount)


def _applied(conn: Connection, code: str, lignes: int) -> tuple[Constat, ...]:
    if not lignes:
        return (Constat("GUICHET-INCONNU", "code", f"aucun guichet n'a le code {code}"),)
    bump(conn, Generation.IDENTITES)
    return ()


def _guichet(ligne: Row[Any]) -> Guichet:
    return Guichet(
        code=ligne.code,
        nom=ligne.nom,
        type=TypeGuichet(ligne.type),
        siren=ligne.siren,
        territoires=frozenset(ligne.territoires),
        communes=frozenset(ligne.communes),
        numerote=ligne.numerote,
        adresse_reception=ligne.adresse_reception,
        actif=ligne.ferme_le is None,
        canal=CanalDistribution(ligne.canal),
        adresse_courrier=ligne.adresse_courrier,
        capacites=ligne.capacites,
        version=ligne.version_demande,
    )


def _forms(nouveau: NouveauGuichet) -> Iterable[Constat]:
    if not CODE_GUICHET.fullmatch(nouveau.code):
        yield Constat(
            "GUICHET-CODE",
            "code",
            f"« {nouveau.code} » n'est pas un code de guichet : 5 lettres majuscules ou chiffres attendus",
        )
    if (nouveau.type is TypeGuichet.PORTAIL) is not (nouveau.code == PORTAIL):
        yield Constat(
            "GUICHET-PORTAIL", "type", f"le portail grand public est le guichet {PORTAIL}, et lui seul"
        )
    if not 1 <= len(nouveau.nom.strip()) <= _LONGUEUR_NOM:
        yield Constat("GUICHET-NOM", "nom", f"le nom doit avoir de 1 à {_LONGUEUR_NOM} caractères")
    if nouveau.siren and not _is_siren(nouveau.siren):
        yield Constat(
            "GUICHET-SIREN", "siren", f"« {nouveau.siren} » n'est pas un SIREN : 9 chiffres attendus"
        )
    if not nouveau.territoires:
        yield Constat("GUICHET-TERRITOIRE", "territoire", "au moins un territoire est attendu")
    for code in sorted(nouveau.territoires):
        if not territoires.exists(code):
            yield Constat(
                "GUICHET-TERRITOIRE",
                "territoire",
                f"le territoire « {code} » n'existe pas ; exemples : 111 (Île-de-France), 059, 02A, 974",
            )
    yield from _address(nouveau.adresse_reception)


def _is_siren(texte: str) -> bool:
    # The key (Luhn) is not checked: training platforms use invented SIREN.
    return len(texte) == 9 and texte.isascii() and texte.isdigit()


def _address(adresse: str) -> Iterable[Constat]:
    if not adresse:
        return
    try:
        parts = urlsplit(adresse)
        valid = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        yield Constat(
            "GUICHET-ADRESSE",
            "adresse",
            f"« {adresse} » n'est pas une adresse de réception : https://hôte[:port]/chemin attendu",
        )


def _perimetre(nouveau: NouveauGuichet) -> str:
    if nouveau.type is TypeGuichet.EPCI:
        return nouveau.perimetre or nouveau.siren
    return nouveau.perimetre


def _perimeter(nouveau: NouveauGuichet) -> Iterable[Constat]:
    code = _perimetre(nouveau)
    match nouveau.type:
        case TypeGuichet.COMMUNE if cog.commune(code) is None:
            yield Constat(
                "GUICHET-PERIMETRE",
                "perimetre",
                f"« {code} » n'est pas une commune : code INSEE de 5 caractères attendu",
            )
        case TypeGuichet.EPCI if cog.epci(code) is None:
            yield Constat(
                "GUICHET-PERIMETRE",
                "perimetre",
                f"« {code} » n'est pas un EPCI : SIREN de 9 chiffres attendu",
            )
        case TypeGuichet.COMMUNE | TypeGuichet.EPCI:
            if nouveau.territoires.isdisjoint(map(territoires.territoire_of, _communes(nouveau))):
                yield Constat(
                    "GUICHET-PERIMETRE",
                    "perimetre",
                    f"« {code} » n'est dans aucun des territoires du guichet : "
                    f"{', '.join(sorted(nouveau.territoires))}",
                )
        case _ if code:
            yield Constat(
                "GUICHET-PERIMETRE",
                "perimetre",
                f"« {code} » : aucun attendu, un guichet {nouveau.type.value} lit tout son territoire",
            )


_GRAND_PARIS: Final = "200054781"
"""SIREN of the métropole du Grand Paris, whose EPT, not itself, share the demandes (docs/decisions/0021)."""


def _communes(nouveau: NouveauGuichet) -> frozenset[str]:
    code = _perimetre(nouveau)
    match nouveau.type:
        case TypeGuichet.COMMUNE:
            # A city with arrondissements is wished by its arrondissements.
            ville = frozenset({code}) | cog.communes_of_ville(code)
            epci = cog.epci_of(code) or ""
            # Paris has no EPT and holds its powers itself: the métropole would open 130 other communes to it.
            return ville if epci == _GRAND_PARIS else ville | cog.communes_of_epci(epci)
        case TypeGuichet.EPCI:
            return cog.communes_of_epci(code)
        case _:
            return frozenset()
