"""What the tests of the life of a demande build: a demande, and the files that partners send about it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from registry.changement import ChangementRecu, check_change, fact_of
from registry.controles import PARIS
from registry.exchanges_store import record_receptions
from registry.guichets import Guichet
from registry.registration import Enregistrement, RefusDemande, Resultat
from registry.regles import REGLES, Regles
from registry.situation import Situation, read_situations
from registry.vie import change
from schemas.codes import check_codes
from schemas.emission import format_instant
from tests.registry.fabrique import (
    BAILLEUR,
    RECU_LE,
    DecideurTemoin,
    demande_of,
    echange_of,
    generate,
    recue_of,
    register_all,
)

ATTRIBUTION = (
    "<ns1:attributionLogement><ns1:dateSignatureBail>{bail}</ns1:dateSignatureBail>"
    '<ns1:dejaLogeParcBailleur code="NON"/><ns1:numeroRpls>{rpls}</ns1:numeroRpls>'
    '<ns1:accordCollectif code="AUCUN"/><ns1:typeReservataire code="AUCUN"/>'
    "<ns1:codeSirenBailleur>{siren}</ns1:codeSirenBailleur>{reste}</ns1:attributionLogement>"
)


def created(engine: Engine, seed: int | str = 1, guichet: Guichet = BAILLEUR, **options: object) -> bytes:
    """A registered demande: the document of the answer."""
    options.setdefault("avec_cotitulaire", False)
    (fait,) = register_all(engine, [recue_of(generate(seed, guichet, **options), guichet)])  # type: ignore[arg-type]
    assert isinstance(fait, Enregistrement), fait
    return fait.fichier.contenu


def numero_of(document: bytes) -> str:
    numero = demande_of(document).num_unique
    assert numero is not None
    return numero


def with_child(document: bytes, name: str, xml: str) -> bytes:
    """The document with that child of demandeLogement (renouvellement, radiation), in its place."""
    texte = re.sub(rf"<ns1:{name}[ >/].*?</ns1:{name}>", "", document.decode(), count=1, flags=re.DOTALL)
    suivants = {"renouvellement": ("radiation",), "radiation": ()}[name]
    for balise in (*suivants, "dateDerniereModificationPiece", "incrementFichier"):
        if f"<ns1:{balise}" in texte:
            return texte.replace(f"<ns1:{balise}", f"{xml}<ns1:{balise}", 1).encode()
    return texte.replace("</ns1:demandeLogement>", f"{xml}</ns1:demandeLogement>", 1).encode()


def sent(
    document: bytes,
    type_fichier: str,
    *changes: tuple[str, str],
    guichet: Guichet = BAILLEUR,
    ecrit: datetime = RECU_LE + timedelta(hours=1),
    jeton: bool = False,
) -> bytes:
    """A file made from what the hub emitted. jeton: brings the token of the version back."""
    texte = document.decode()
    texte = re.sub(r"(<ns1:typeFichier>)\w+", rf"\g<1>{type_fichier}", texte, count=1)
    texte = re.sub(r"(<ns1:dateFichier>)[^<]+", rf"\g<1>{format_instant(ecrit)}", texte, count=1)
    texte = re.sub(r"(<ns1:numGuichet[^>]*>)\w+", rf"\g<1>{guichet.code}", texte, count=1)
    if not jeton:
        texte = re.sub(r"<ns1:incrementFichier>[^<]*</ns1:incrementFichier>", "", texte)
    for avant, apres in changes:
        assert avant in texte, f"{avant!r} n'est pas dans le document"
        texte = texte.replace(avant, apres, 1)
    return texte.encode()


def renewal(document: bytes, jour: str, **options: object) -> bytes:
    xml = f"<ns1:renouvellement><ns1:dateRenouvellement>{jour}</ns1:dateRenouvellement></ns1:renouvellement>"
    return sent(with_child(document, "renouvellement", xml), "REN", **options)  # type: ignore[arg-type]


def radiation(document: bytes, motif: str, jour: str, suite: str = "", **options: object) -> bytes:
    """motif: empty for a déradiation. suite: what follows motifRadiation."""
    code = f' code="{motif}"' if motif else ""
    xml = (
        f"<ns1:radiation><ns1:dateRadiation>{jour}</ns1:dateRadiation><ns1:motifRadiation{code}/>{suite}"
        "</ns1:radiation>"
    )
    return sent(with_child(document, "radiation", xml), "RAD", **options)  # type: ignore[arg-type]


def attribution(
    document: bytes,
    jour: str = "2026-07-01",
    *,
    bail: str = "2026-06-30",
    rpls: str = "0123456789",
    siren: str = "552046484",
    reste: str = "",
    **options: object,
) -> bytes:
    return radiation(
        document,
        "RADATT",
        jour,
        ATTRIBUTION.format(bail=bail, rpls=rpls, siren=siren, reste=reste),
        **options,
    )


def changement_of(
    data: bytes, guichet: Guichet = BAILLEUR, recu_le: datetime = RECU_LE + timedelta(hours=2)
) -> ChangementRecu:
    """What the handlers hand over for that file."""
    demande = demande_of(data)
    fait, motif = fact_of(demande)
    codes = check_codes(demande.root, recu_le.astimezone(PARIS).date())
    return ChangementRecu(
        echange=echange_of(guichet, data, recu_le),
        operation="getNumUnique",
        empreinte=hashlib.sha256(data).digest(),
        demande=demande,
        fait=fait,
        motif=motif,
        anomalies=check_change(demande, guichet, codes),
        nom_fichier=f"DEM{guichet.code}-202607011130-000001.xml",
    )


def change_all(
    engine: Engine,
    items: Sequence[ChangementRecu],
    decideur: DecideurTemoin | None = None,
    regles: Regles = REGLES,
) -> list[Resultat]:
    """The files, received then handled in one transaction."""
    with engine.begin() as conn:
        record_receptions(conn, [item.echange for item in items])
    with engine.begin() as conn:
        return change(
            conn,
            items,
            decideur=decideur or DecideurTemoin(),
            repondu_le=max(item.echange.recu_le for item in items),
            regles=regles,
        )


def accept(engine: Engine, data: bytes, guichet: Guichet = BAILLEUR, **options: object) -> bytes:
    """The document of the answer to a file that must be accepted."""
    (fait,) = change_all(engine, [changement_of(data, guichet, **options)])  # type: ignore[arg-type]
    assert isinstance(fait, Enregistrement), [a.message for a in fait.anomalies]
    return fait.fichier.contenu


def refused(
    engine: Engine,
    data: bytes,
    guichet: Guichet = BAILLEUR,
    regles: Regles = REGLES,
    **options: object,
) -> list[str]:
    """The codes of the anomalies of a file that must be refused."""
    (refus,) = change_all(engine, [changement_of(data, guichet, **options)], regles=regles)  # type: ignore[arg-type]
    assert isinstance(refus, RefusDemande), refus
    return [anomalie.code for anomalie in refus.anomalies]


def situation_of(engine: Engine, numero: str) -> Situation:
    with engine.connect() as conn:
        return read_situations(conn, [numero])[numero]
