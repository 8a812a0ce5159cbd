"""The operations by which a guichet comes for its distributions: contract to handlers and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Protocol

from dispatching.acquittement import Acquit, Acquittee
from dispatching.manifestes import LotManifestes, ManifesteSigne
from dispatching.rapprochement import Manquante, Plage, Rapprochement, Tenue
from dispatching.retraits import Lot, Retiree, Situation
from registry.anomalies import Anomalie
from registry.controles import PARIS
from registry.echanges import Echange, Refus
from soap.envelope import FichierEmis, Parametres, Retour
from soap.operations import Servie

ACQUITTEE: Final = "ACQUITTEE"
REFUSE: Final = "REFUSE"

SIGNE: Final = "application/pkcs7-mime"
"""Media type of a signed message (RFC 8551 §3.2)."""


class TraitementRetraits(Protocol):
    """The handlers (`dispatching.handlers_retrait`). Each may raise what the database raises."""

    async def lister(
        self, echange: Echange, *, apres: int | None = None, nombre: int | None = None, etat: str = ""
    ) -> Lot | Refus: ...

    async def acquitter(
        self, echange: Echange, acquits: Sequence[Acquit]
    ) -> Sequence[Acquittee | Anomalie] | Refus: ...

    async def situer(self, echange: Echange) -> Situation | Refus: ...

    async def rejouer(self, echange: Echange, sequence: int | None = None) -> int | Refus: ...

    async def manifestes(
        self, echange: Echange, *, apres: date | None = None, nombre: int | None = None
    ) -> LotManifestes | Refus: ...

    async def rapprocher(
        self, echange: Echange, tenues: Sequence[Tenue], *, apres: int = 0, jusqua: int | None = None
    ) -> Rapprochement | Refus: ...


def operations_distribution(traitement: TraitementRetraits) -> Mapping[str, Servie]:
    """The operations served, by name (`soap.operations.Operations`)."""

    async def lister(echange: Echange, parametres: Parametres) -> Retour | Refus:
        lot = await traitement.lister(
            echange,
            apres=parametres.entier("apresSequence"),
            nombre=parametres.entier("nombreMax"),
            etat=parametres.textes.get("etat", "").strip(),
        )
        if isinstance(lot, Refus):
            return lot
        return Retour(
            {"derniereSequence": str(lot.derniere), **_suite(lot.suite)},
            {},
            {"distribution": list(map(_distribution, lot.distributions))},
        )

    async def acquitter(echange: Echange, parametres: Parametres) -> Retour | Refus:
        acquits = [
            Acquit(int(each.textes["sequence"]), each.textes["empreinte"])
            for each in parametres.groupes["acquit"]
        ]
        answers = await traitement.acquitter(echange, acquits)
        if isinstance(answers, Refus):
            return answers
        results = [_resultat(*couple) for couple in zip(acquits, answers, strict=True)]
        return Retour({}, {}, {"resultat": results})

    async def situer(echange: Echange, _: Parametres) -> Retour | Refus:
        found = await traitement.situer(echange)
        return found if isinstance(found, Refus) else _situation(found)

    async def rejouer(echange: Echange, parametres: Parametres) -> Retour | Refus:
        nombre = await traitement.rejouer(echange, parametres.entier("sequence"))
        return nombre if isinstance(nombre, Refus) else Retour({"nombre": str(nombre)}, {})

    async def manifestes(echange: Echange, parametres: Parametres) -> Retour | Refus:
        jour = parametres.textes.get("apresJour")
        lot = await traitement.manifestes(
            echange,
            apres=None if jour is None else date.fromisoformat(jour),
            nombre=parametres.entier("nombreMax"),
        )
        if isinstance(lot, Refus):
            return lot
        return Retour(_suite(lot.suite), {}, {"manifeste": list(map(_manifeste, lot.manifestes))})

    async def rapprocher(echange: Echange, parametres: Parametres) -> Retour | Refus:
        tenues = [
            Tenue(
                int(each.textes["premiere"]),
                int(each.textes["derniere"]),
                tuple(each.textes.get("empreintes", "").split()),
            )
            for each in parametres.groupes.get("tranche", ())
        ]
        found = await traitement.rapprocher(
            echange,
            tenues,
            apres=parametres.entier("apresSequence") or 0,
            jusqua=parametres.entier("jusquaSequence"),
        )
        return found if isinstance(found, Refus) else _rapprochement(found)

    return {
        "listerDistributions": lister,
        "acquitterDistributions": acquitter,
        "situerDistributions": situer,
        "rejouerDistributions": rejouer,
        "listerManifestes": manifestes,
        "rapprocherDistributions": rapprocher,
    }


def _distribution(item: Retiree) -> Retour:
    textes = {
        "idDistribution": str(item.id),
        "sequence": str(item.sequence),
        "etat": item.etat.name,
        "dateDistribution": _instant(item.cree_le),
    }
    if item.fichier is None:
        return Retour(textes, {})
    textes |= {
        "typeFichier": item.fichier.type_fichier,
        "numUnique": item.fichier.numero,
        "nomFichierDemande": item.fichier.nom,
        "empreinte": item.fichier.empreinte,
    }
    return Retour(textes, {"fichierDemande": FichierEmis(item.fichier.contenu)})


def _manifeste(signe: ManifesteSigne) -> Retour:
    bornes = {}
    if signe.nombre:
        bornes = {"premiereSequence": str(signe.apres + 1), "derniereSequence": str(signe.derniere)}
    return Retour(
        {
            "jour": signe.jour.isoformat(),
            "nombre": str(signe.nombre),
            **bornes,
            "empreinte": signe.empreinte.hex(),
            "nomFichierManifeste": signe.nom,
        },
        {"fichierManifeste": FichierEmis(signe.octets, SIGNE, annonce=True)},
    )


def _rapprochement(found: Rapprochement) -> Retour:
    return Retour(
        {"derniereSequence": str(found.derniere), "jusqua": str(found.jusqua), **_suite(found.suite)},
        {},
        {
            "manquante": [Retour({**_bornes(each), "etat": each.etat.name}, {}) for each in found.manquantes],
            "enTrop": [Retour(_bornes(each), {}) for each in found.en_trop],
            "differente": [Retour({"sequence": str(each)}, {}) for each in found.differentes],
        },
    )


def _bornes(plage: Manquante | Plage) -> dict[str, str]:
    return {"premiere": str(plage.premiere), "derniere": str(plage.derniere)}


def _suite(suite: bool) -> dict[str, str]:
    return {"suite": "OUI" if suite else "NON"}


def _resultat(acquit: Acquit, answer: Acquittee | Anomalie) -> Retour:
    sequence = {"sequence": str(acquit.sequence)}
    if isinstance(answer, Anomalie):
        return Retour({**sequence, "statut": REFUSE, "code": answer.code, "motif": answer.message}, {})
    return Retour({**sequence, "statut": ACQUITTEE, "dateAcquit": _instant(answer.depuis_le)}, {})


def _situation(found: Situation) -> Retour:
    optional = {
        "premiereEnAttente": found.premiere,
        "datePremiereEnAttente": found.premiere_le,
        "derniereAcquittee": found.acquittee,
        "dateDernierAcquit": found.acquittee_le,
    }
    return Retour(
        {
            "canal": found.canal.value,
            "derniereSequence": str(found.derniere),
            "enAttente": str(found.en_attente),
            "enEchec": str(found.en_echec),
            **{
                nom: _instant(valeur) if isinstance(valeur, datetime) else str(valeur)
                for nom, valeur in optional.items()
                if valeur is not None
            },
        },
        {},
    )


def _instant(instant: datetime) -> str:
    return instant.astimezone(PARIS).isoformat(timespec="milliseconds")
