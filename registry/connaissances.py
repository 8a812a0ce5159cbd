"""What the register holds that matters to a batch, read in one statement under the lock of the chain.

One round trip for the replays, the numbers taken, the doublons and the counters: a batch waits for the
database as few times as it can, since every registration of every process waits for it meanwhile.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from registry.evaluation import Connaissances, DemandeRecue, ReponseDonnee
from registry.lignes import encode_rows
from registry.numero_unique import PLANCHER
from registry.separation import read_origines

_READ: Final = text("""
    SELECT
        (SELECT json_agg(json_build_array(r.guichet, r.operation, encode(r.empreinte, 'base64'), r.numero,
                r.version, r.repondu_le, r.nom_fichier))
            FROM rejeu r
            JOIN json_to_recordset(CAST(:rejeux AS json)) AS t(guichet text, operation text, empreinte text)
                ON r.guichet = t.guichet AND r.operation = t.operation
                AND r.empreinte = decode(t.empreinte, 'base64'))::text AS rejeux,
        (SELECT json_agg(numero) FROM demande
            WHERE numero = ANY(CAST(:portes AS text[])))::text AS pris,
        (SELECT json_agg(DISTINCT jsonb_build_array(territoire, cle, numero)) FROM identite
            WHERE active AND territoire = ANY(CAST(:territoires AS text[]))
            AND cle = ANY(CAST(:cles AS text[])))::text AS identites,
        (SELECT json_agg(json_build_array(territoire, mois, dernier)) FROM compteur_numero
            WHERE (territoire, mois) IN (SELECT territoire, mois
                FROM json_to_recordset(CAST(:compteurs AS json)) AS t(territoire text, mois text)))::text
            AS compteurs
""")
_REJEUX: Final = msgspec.json.Decoder(list[tuple[str, str, str, str, int, datetime, str]])
_NUMEROS: Final = msgspec.json.Decoder(frozenset[str])
_IDENTITES: Final = msgspec.json.Decoder(list[tuple[str, str, str]])
_COMPTEURS: Final = msgspec.json.Decoder(list[tuple[str, str, int]])
_RIEN: Final = "[]"


def read_connaissances(conn: Connection, items: Sequence[DemandeRecue]) -> Connaissances:
    """What must be known to evaluate these items; the caller holds the lock of the chain until it commits.

    The territories and the keys are crossed by the statement; what was not asked for together is left out
    here (the same person in two territories is no doublon: one demande per territory, regles §3).
    """
    vivants = [item for item in items if not item.anomalies]
    cherches = {(item.territoire, identite.cle) for item in vivants for identite in item.cles}
    compteurs = {item.compteur for item in vivants if item.demande.num_unique is None}
    trouve = conn.execute(
        _READ,
        {
            "rejeux": encode_rows(
                {"guichet": guichet, "operation": operation, "empreinte": empreinte}
                for guichet, operation, empreinte in {item.cle_rejeu for item in items}
            ),
            "portes": [item.demande.num_unique for item in vivants if item.demande.num_unique is not None],
            "territoires": sorted({territoire for territoire, _ in cherches}),
            "cles": sorted({cle for _, cle in cherches}),
            "compteurs": encode_rows(
                {"territoire": territoire, "mois": mois} for territoire, mois in (*compteurs, PLANCHER)
            ),
        },
    ).one()
    doublons: dict[tuple[str, str], list[str]] = {}
    for territoire, cle, numero in sorted(_IDENTITES.decode(trouve.identites or _RIEN)):
        if (territoire, cle) in cherches:
            doublons.setdefault((territoire, cle), []).append(numero)
    lus = {
        (territoire, mois): dernier
        for territoire, mois, dernier in _COMPTEURS.decode(trouve.compteurs or _RIEN)
    }
    # A counter that never served has no row yet.
    derniers = {compteur: lus.get(compteur, lus.get(PLANCHER, 0)) for compteur in compteurs}
    rejeux = {
        (guichet, operation, b64decode(empreinte)): ReponseDonnee(numero, version, repondu_le, nom)
        for guichet, operation, empreinte, numero, version, repondu_le, nom in _REJEUX.decode(
            trouve.rejeux or _RIEN
        )
    }
    return Connaissances(
        rejeux=rejeux,
        pris=_NUMEROS.decode(trouve.pris or _RIEN),
        doublons={cle: tuple(numeros) for cle, numeros in doublons.items()},
        derniers=derniers,
        origines=read_origines(conn, {item.origine for item in vivants if item.origine is not None}),
    )
