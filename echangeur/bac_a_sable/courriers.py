"""The values in the files of mails carried out: each file has its verdict, here that of the value."""

from __future__ import annotations

from echangeur.bac_a_sable.provocations import PROVOQUEE, Souvenirs
from echangeur.bac_a_sable.valeurs import anomalie_of, find_value
from echangeur.metriques.compteurs import ExecutionCourrier
from echangeur.roles.metier import Metier
from mailflows.operations import Demandee
from registry.echanges import Echange, Fichier, Refus


def around_mail(metier: Metier, souvenirs: Souvenirs, execution: ExecutionCourrier) -> ExecutionCourrier:
    """What runs an operation asked by mail, unless a value in its file asks for an anomaly."""

    async def execute(demandee: Demandee, echange: Echange) -> tuple[Fichier, ...] | Refus:
        contenu = demandee.fichier.contenu
        voulue = anomalie_of(find_value([contenu]), courrier=True)
        if voulue is None or not souvenirs.due(voulue, [contenu]):
            return await execution(demandee, echange)
        anomalies = (voulue(PROVOQUEE, "toute autre valeur"),)
        await metier.traitement.receive(echange)
        await metier.refus.keep(echange, anomalies)
        return Refus(anomalies)

    return execute
