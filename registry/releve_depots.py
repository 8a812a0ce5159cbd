"""The list of deposits that a guichet may see (schemas/xsd/depots.xsd).

Same dress as the other documents of the hub: prefix `ns1`, UTF-8, no XML declaration (interface/wire §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from registry.controles import PARIS
from registry.depots import CODES_ETATS, Depot
from registry.lifecycle import Etat
from registry.regles import Regles
from schemas.demande import read_demande
from schemas.parser import parse
from schemas.violations import Violation

_RACINE: Final = 'xmlns:ns1="http://nuu.application.i2/" versionInterface="01.00"'


def write_liste(lus: Sequence[Depot], regles: Regles, maintenant: datetime, *, tronquee: bool) -> bytes:
    """The list, in the order of the identifiers. tronquee: there are more after the last."""
    corps = "".join(_depot(depot, regles, maintenant) for depot in lus)
    suite = "true" if tronquee else "false"
    return f'<ns1:listeDepots {_RACINE} tronquee="{suite}">{corps}</ns1:listeDepots>'.encode()


def waiting_days(depot: Depot, maintenant: datetime) -> int:
    """Days since the deposit, in Paris; 0 for what was not deposited."""
    if depot.depose_le is None:
        return 0
    return (maintenant.astimezone(PARIS).date() - depot.depose_le.astimezone(PARIS).date()).days


def _depot(depot: Depot, regles: Regles, maintenant: datetime) -> str:
    expire = depot.expire_le(regles)
    parts = [
        _text("idDepot", str(depot.id)),
        f"<ns1:etat code={quoteattr(CODES_ETATS[depot.etat])}/>",
        _text("guichet", depot.guichet),
        _text("dateMiseAJour", _instant(depot.maj_le)),
        "" if depot.depose_le is None else _text("dateDepot", _instant(depot.depose_le)),
        _text("attente", str(waiting_days(depot, maintenant))) if depot.etat is Etat.ATTENTE else "",
        "" if expire is None else _text("dateEcheance", expire.isoformat()),
        _text("territoire", depot.territoire) if depot.territoire else "",
        *_identity(depot),
        "" if depot.motif is None else f"<ns1:motif code={quoteattr(depot.motif)}/>",
        "" if depot.numero is None else _text("numUnique", depot.numero),
    ]
    return f"<ns1:depot>{''.join(parts)}</ns1:depot>"


def _identity(depot: Depot) -> list[str]:
    """Who it is about, as typed; nothing once it is erased."""
    root = None if depot.document is None else parse(depot.document)
    if root is None or isinstance(root, Violation):
        return []
    demande = read_demande(root)
    personne = demande.demandeur
    if personne is None:
        nom = demande.association.nom if demande.association else ""
        mel = demande.association.mel if demande.association else ""
        return [_text("nom", nom), _text("mel", mel)]
    naissance = personne.date_naissance
    return [
        _text("nom", personne.nom),
        _text("prenom", personne.prenom),
        "" if naissance.year in (1, 9999) else _text("dateNaissance", naissance.isoformat()),
        _text("mel", personne.mel),
    ]


def _instant(instant: datetime) -> str:
    return instant.astimezone(PARIS).isoformat(timespec="milliseconds")


def _text(nom: str, valeur: str) -> str:
    return f"<ns1:{nom}>{escape(valeur)}</ns1:{nom}>"
