"""The operations of PortailImplService, from the contract to the handlers and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Protocol

from registry.clock import Clock
from registry.controles import PARIS
from registry.depots import CODES_ETATS, Constat, Depot
from registry.echanges import Echange, Fichier, Refus, ReponseNumUnique
from registry.recus_portail import Brouillon, DepotInvalide, DepotLu, Recherche
from registry.regles import Regles
from registry.versions import in_version
from soap.envelope import FichierEmis, Parametres, Retour
from soap.operations import Attestateur, Servie, attested


class TraitementPortail(Protocol):
    """The handlers (`registry.handlers_portail`). Each may raise what the database raises."""

    @property
    def regles(self) -> Regles: ...

    async def enregistrer_brouillon(
        self, echange: Echange, fichier: bytes, identifiant: str
    ) -> Brouillon | Refus: ...

    async def deposer(
        self, echange: Echange, fichier: bytes | None, identifiant: str = ""
    ) -> ReponseNumUnique | Refus: ...

    async def lister(self, echange: Echange, recherche: Recherche) -> Fichier | Refus: ...

    async def consulter(self, echange: Echange, identifiant: str) -> DepotLu | Refus: ...

    async def valider(
        self, echange: Echange, identifiant: str, constat: Constat, fichier: bytes | None
    ) -> ReponseNumUnique | Refus: ...

    async def invalider(
        self, echange: Echange, identifiant: str, motif: str, commentaire: str, utilisateur: str
    ) -> DepotInvalide | Refus: ...


def operations_portail(
    traitement: TraitementPortail, clock: Clock, attestations: Attestateur | None = None
) -> Mapping[str, Servie]:
    """The operations served, by name (`soap.operations.Operations`)."""

    async def brouillon(echange: Echange, parametres: Parametres) -> Retour | Refus:
        fait = await traitement.enregistrer_brouillon(
            echange, parametres.fichiers["fichierDemande"], _text(parametres, "idDepot")
        )
        if isinstance(fait, Refus):
            return fait
        depot = fait.depot
        textes = {"idDepot": str(depot.id), "dateEnregistrement": _instant(depot.maj_le)}
        return Retour({**textes, **_expiry(depot, traitement.regles), "manques": str(fait.manques)}, {})

    async def deposer(echange: Echange, parametres: Parametres) -> Retour | Refus:
        answer = await traitement.deposer(
            echange, parametres.fichiers.get("fichierDemande"), _text(parametres, "idDepot")
        )
        return await _registered(echange, answer, parametres)

    async def lister(echange: Echange, parametres: Parametres) -> Retour | Refus:
        avant, naissance = _text(parametres, "deposeAvant"), _text(parametres, "dateNaissance")
        fichier = await traitement.lister(
            echange,
            Recherche(
                etat=_text(parametres, "etat"),
                mel=_text(parametres, "mel"),
                nom=_text(parametres, "nom"),
                prenom=_text(parametres, "prenom"),
                naissance=date.fromisoformat(naissance) if naissance else None,
                territoire=_text(parametres, "territoire"),
                depose_avant=_aware(datetime.fromisoformat(avant)) if avant else None,
                apres=_text(parametres, "apres"),
            ),
        )
        if isinstance(fichier, Refus):
            return fichier
        return Retour({"nomFichierListe": fichier.nom}, {"listeDepots": FichierEmis(fichier.contenu)})

    async def consulter(echange: Echange, parametres: Parametres) -> Retour | Refus:
        lu = await traitement.consulter(echange, _text(parametres, "idDepot"))
        if isinstance(lu, Refus):
            return lu
        depot = lu.depot
        textes = {"idDepot": str(depot.id), "etat": CODES_ETATS[depot.etat], "guichet": depot.guichet}
        textes |= {} if depot.depose_le is None else {"dateDepot": _instant(depot.depose_le)}
        textes |= _expiry(depot, traitement.regles)
        for nom, valeur in (("numUnique", depot.numero), ("motif", depot.motif)):
            textes |= {nom: valeur} if valeur else {}
        textes |= {"commentaire": depot.commentaire} if depot.commentaire else {}
        textes |= {} if depot.issue_le is None else {"dateIssue": _instant(depot.issue_le)}
        if lu.fichier is None:
            return Retour(textes, {})
        fichiers = {"fichierDemande": FichierEmis(in_version(lu.fichier.contenu, echange.emetteur.guichet))}
        return Retour({**textes, "nomFichierDemande": lu.fichier.nom}, fichiers)

    async def valider(echange: Echange, parametres: Parametres) -> Retour | Refus:
        naissance = _text(parametres, "dateNaissance")
        constat = Constat(
            piece=_text(parametres, "pieceIdentite"),
            nom=_text(parametres, "nom"),
            prenom=_text(parametres, "prenom"),
            naissance=date.fromisoformat(naissance) if naissance else None,
            utilisateur=_text(parametres, "utilisateur"),
        )
        fichier = parametres.fichiers.get("fichierDemande")
        answer = await traitement.valider(echange, _text(parametres, "idDepot"), constat, fichier)
        return await _registered(echange, answer, parametres)

    async def invalider(echange: Echange, parametres: Parametres) -> Retour | Refus:
        fait = await traitement.invalider(
            echange,
            _text(parametres, "idDepot"),
            _text(parametres, "motif"),
            _text(parametres, "commentaire"),
            _text(parametres, "utilisateur"),
        )
        if isinstance(fait, Refus):
            return fait
        assert fait.depot.issue_le is not None
        textes = {"idDepot": str(fait.depot.id), "dateIssue": _instant(fait.depot.issue_le)}
        return Retour({**textes, "canal": fait.canal.value}, {})

    async def _registered(
        echange: Echange, answer: ReponseNumUnique | Refus, parametres: Parametres
    ) -> Retour | Refus:
        if isinstance(answer, Refus):
            return answer
        textes = {"nomFichierDemande": answer.demande.nom}
        textes |= {"idDepot": answer.depot} if answer.depot else {}
        textes |= {"numUnique": answer.numero} if answer.numero else {}
        contenu = in_version(answer.demande.contenu, echange.emetteur.guichet)
        retour = Retour(textes, {"fichierDemande": FichierEmis(contenu)})
        return await attested(attestations, echange, answer, parametres, retour, clock.now())

    return {
        "enregistrerBrouillon": brouillon,
        "deposerDemande": deposer,
        "listerDepots": lister,
        "consulterDepot": consulter,
        "validerDepot": valider,
        "invaliderDepot": invalider,
    }


def _text(parametres: Parametres, nom: str) -> str:
    return parametres.textes.get(nom, "").strip()


def _expiry(depot: Depot, regles: Regles) -> dict[str, str]:
    fin = depot.expire_le(regles)
    return {} if fin is None else {"dateEcheance": fin.isoformat()}


def _instant(instant: datetime) -> str:
    return instant.astimezone(PARIS).isoformat(timespec="milliseconds")


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=PARIS)
