"""What happened to a demande, told in French from one of its versions to the next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from registry.controles import format_jour
from registry.cycle import LIBELLES
from registry.documents_gardes import read_kept
from registry.situation import Situation
from schemas import cog
from schemas.codes import label
from schemas.demande import Demande


def describe_change(avant: Situation | None, apres: Situation) -> Iterator[str]:
    """What a version changed of what matters most. Pure. avant: None for the first version."""
    demande = read_kept(apres.document)
    connue = None if avant is None else read_kept(avant.document)
    if avant is None or connue is None:
        yield f"déposée le {format_jour(apres.date_depot)}, {' ou '.join(apres.types)}"
        yield f"communes : {_places(apres.communes)}"
        return
    ajoutees = [commune for commune in apres.communes if commune not in avant.communes]
    if ajoutees:
        yield f"commune ajoutée : {_places(ajoutees)}"
    if demande.dalo is not None and demande.dalo != connue.dalo:
        decision = (
            f", décision du {format_jour(demande.dalo.date_decision)}" if demande.dalo.date_decision else ""
        )
        yield f"DALO : {label('ListeStatutDalo', demande.dalo.statut or '') or 'sans statut'}{decision}"
    if apres.date_renouvellement != avant.date_renouvellement and apres.date_renouvellement is not None:
        yield f"renouvelée le {format_jour(apres.date_renouvellement)}"
    if apres.etat is not avant.etat:
        motif = label("ListeMotifsRadiation", apres.motif_radiation or "")
        yield f"{LIBELLES[avant.etat]} → {LIBELLES[apres.etat]}{f' : {motif}' if motif else ''}"
        yield from _describe_dwelling(demande)


def _describe_dwelling(demande: Demande) -> Iterator[str]:
    attribution = demande.radiation.attribution if demande.radiation else None
    if attribution is not None:
        yield (
            f"logement RPLS {attribution.numero_rpls} : {attribution.type_logement}, "
            f"{attribution.surface} m², {attribution.montant_loyer} €"
        )


def _places(codes: Iterable[str]) -> str:
    found = [(code, cog.commune(code)) for code in codes]
    return ", ".join(code if commune is None else f"{commune.nom} ({code})" for code, commune in found)
