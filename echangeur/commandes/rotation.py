"""`echangeur certificat rotation` and `repeter`: changing the keys of the hub, tried before it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from certs.algorithmes import PROFILS
from certs.autorite import CLES, P256, create_autorite
from certs.chiffrement import RaisonRefus, encrypt_for
from certs.lecture import Certificat, read_certificat
from certs.paire import Paire, load_paire
from certs.repetition import Acteur, Epreuve, Serveur, rehearse_mail, rehearse_tls
from certs.trousseau import (
    CONSERVATION,
    SIX_USAGES,
    Clef,
    EtatCle,
    Trousseau,
    UsageCle,
    UsageRotation,
    keep,
    load_trousseau,
    save,
)
from certs.verification import verify
from echangeur.commandes.guichet import find
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.instance import CLIENT, COURRIER, NOM_CLIENT, SERVEUR, Instance
from echangeur.sortie import ConstatNegatif, MauvaisUsage, french, print_json, print_table, say
from registry.certificats import CertificatEpingle, list_certificats
from registry.surveillance_certificats import Surveille
from registry.usages_certificats import VERIFIES, EtatCertificat, UsageCertificat

app = create_group("Les clés du courrier de l'échangeur : préparer, basculer, retirer.")

DUREE: Final = timedelta(days=1095)


@app.command("etat", cls=Commande)
def show(ctx: typer.Context, json: Json = False) -> None:
    """Montre les clés de l'échangeur et, pour chacun des six usages, celles qui servent maintenant."""
    now, trousseau = contexte_of(ctx).clock.now(), _load(instance_of(ctx))
    uses = {
        rotation: [paire.certificat.empreinte for paire in trousseau.pour(rotation, now)]
        for rotation, regle in SIX_USAGES.items()
        if regle.proprietaire == "échangeur"
    }
    if json:
        print_json({"cles": [_value(each) for each in trousseau.clefs], "usages": uses})
        return
    print_table(
        ("empreinte", "usages", "état", "valide jusqu'au"),
        [
            (each.empreinte, ", ".join(sorted(each.usages)), each.etat, each.paire.certificat.valide_au)
            for each in trousseau.clefs
        ],
        vide="Aucune clé : echangeur certificat rotation preparer",
    )
    print_table(
        ("usage", "clés"),
        [
            (use, ", ".join(each[:16] for each in uses[use]) or "aucune")
            if use in uses
            else (use, "celles du partenaire")
            for use in UsageRotation
        ],
        vide="",
    )


@app.command("preparer", cls=Commande)
def prepare(
    ctx: typer.Context,
    usage: Annotated[
        list[UsageCle] | None,
        typer.Option("--usage", help="Usage, répétable ; sans lui, une clé par usage du courrier."),
    ] = None,
    cle: Annotated[str, typer.Option("--cle", help=f"Genre de clé : {', '.join(CLES)}.")] = P256,
    identite: Annotated[
        Path | None,
        typer.Option(
            "--identite", help="Dossier (cert.pem, key.pem) d'un certificat émis ailleurs.", file_okay=False
        ),
    ] = None,
) -> None:
    """Prépare la clé suivante : elle déchiffre aussitôt ce qui arrive, et ne signe rien encore.

    Transmettez ensuite son certificat aux partenaires, attendez qu'ils l'aient enregistré, répétez, basculez.
    """
    if cle not in CLES:
        raise MauvaisUsage(f"Le genre de clé « {cle} » n'existe pas.", f"L'un de : {', '.join(CLES)}.")
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    dossier, trousseau = _dossier(instance), _load(instance)
    together = [frozenset(usage)] if usage else [frozenset({each}) for each in _COURRIER]
    if identite is not None:
        try:
            paire = load_paire((identite / "cert.pem").read_bytes(), (identite / "key.pem").read_bytes())
        except (OSError, ValueError) as error:
            raise MauvaisUsage(f"{identite} : {error}", "cert.pem et key.pem, en PEM.") from error
        trousseau = trousseau.prepare(paire, usage or _COURRIER, instant=now)
        save(dossier, trousseau)
        say(f"Clé {paire.certificat.empreinte} préparée.")
        return
    autorite = instance.load_autorite()
    for usages in together:
        made = autorite.issue_guichet(NOM_CLIENT, now=now, nom="Échangeur", duree=DUREE, cle=cle)
        paire = keep(dossier, made)
        trousseau = trousseau.prepare(paire, usages, instant=now)
        say(f"Clé {paire.certificat.empreinte} préparée : {', '.join(sorted(usages))}.")
    save(dossier, trousseau)


@app.command("basculer", cls=Commande)
def switch(
    ctx: typer.Context,
    empreinte: Annotated[
        str | None, typer.Argument(metavar="[EMPREINTE]", help="Clé préparée ; sans elle, toutes.")
    ] = None,
) -> None:
    """Met en service les clés préparées. Celles qu'elles remplacent déchiffrent encore trente jours."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    trousseau = _load(instance)
    wanted = [empreinte.replace(":", "").lower()] if empreinte else _prepared(trousseau)
    if not wanted:
        raise ConstatNegatif("Aucune clé n'est préparée.", "D'abord : echangeur certificat rotation preparer")
    for each in wanted:
        try:
            trousseau = trousseau.basculer(each, instant=now)
        except ValueError as error:
            raise ConstatNegatif(str(error), "Voir : echangeur certificat rotation etat") from None
    save(_dossier(instance), trousseau)
    say(f"{len(wanted)} clé(s) en service.")


@app.command("purger", cls=Commande)
def purge(ctx: typer.Context) -> None:
    """Détruit les clés remplacées depuis plus de trente jours : aucun message en chemin n'en a besoin."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    trousseau, finies = _load(instance).purger(now)
    if finies:
        save(_dossier(instance), trousseau)
    say(f"{len(finies)} clé(s) détruite(s) ; une clé est gardée {CONSERVATION.days} jours après son retrait.")


def rehearse(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code du guichet.")],
    identite: Annotated[
        Path | None,
        typer.Option(
            "--identite",
            help="Dossier (cert.pem, key.pem) du prochain certificat du guichet, pour tout prouver.",
            file_okay=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Répète la rotation avec un guichet : allers et retours réels avec les prochaines clés.

    Un partenaire de référence tient le rôle du guichet. Sans --identite, il a des clés d'un jour, du même
    genre que celles du guichet, et le prochain certificat du guichet est éprouvé pour ce qui est public.
    """
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        guichet, epingles = find(conn, code), list_certificats(conn, code)
    profil = PROFILS[guichet.capacites]
    suivant = _next(epingles, now)
    if suivant is None:
        raise ConstatNegatif(
            f"Le guichet {code} n'a aucun certificat en cours ou préparé.",
            f"D'abord : echangeur certificat enregistrer {code} FICHIER",
        )
    lu = read_certificat(suivant.pem)
    assert isinstance(lu, Certificat)
    # A prepared certificate may begin later: it is tried at the first instant when it will serve.
    at = max(now, suivant.valide_du, suivant.actif_du)
    trousseau = _load(instance)
    echangeur = Acteur(_following(trousseau, UsageCle.SIGNATURE), _following(trousseau, UsageCle.CHIFFREMENT))
    if identite is None:
        partenaire = _reference(code, lu, at)
        epreuves = [_public(lu, usage, at, profil.rsa_min) for usage in sorted(suivant.usages)]
    else:
        partenaire = _given(identite, suivant)
        epreuves = []
    if UsageCertificat.TLS in suivant.usages:
        serveur = instance.dossier / SERVEUR
        files = Serveur(serveur / "cert.pem", serveur / "key.pem", serveur / "ca.pem")
        epreuves.append(rehearse_tls(files, partenaire, instant=at))
    epreuves += rehearse_mail(echangeur, Acteur(partenaire, partenaire), profil, instant=at)
    failed = [each for each in epreuves if not each.reussie]
    if json:
        print_json([{"epreuve": e.nom, "reussie": e.reussie, "detail": e.detail} for e in epreuves])
    else:
        say(f"Prochain certificat de {code} : {suivant.empreinte}, essayé au {french(at)}")
        print_table(
            ("épreuve", "résultat", "détail"),
            [(e.nom, "réussie" if e.reussie else "échouée", e.detail) for e in epreuves],
            vide="",
        )
        if identite is None:
            say("Le partenaire de référence avait des clés d'un jour ; --identite prouve celles du guichet.")
    if failed:
        raise ConstatNegatif(f"{len(failed)} épreuve(s) échouée(s) : ne basculez pas.", failed[0].detail)


def watched_keys(instance: Instance) -> tuple[Surveille, ...]:
    """The certificates of the hub whose end is watched: its keys of mail, its server, its client of TLS."""
    found = [
        Surveille(
            each.empreinte,
            None,
            each.paire.certificat.sujet,
            each.paire.certificat.valide_au,
            frozenset(UsageCertificat(usage) for usage in each.usages),
        )
        for each in _load(instance).clefs
        if each.etat is not EtatCle.RETIRE
    ]
    for folder in (SERVEUR, CLIENT):
        path = instance.dossier / folder / "cert.pem"
        lu = read_certificat(path.read_bytes()) if path.exists() else None
        if isinstance(lu, Certificat):
            # No use of the registry's: only another file in the same place replaces it.
            found.append(Surveille(lu.empreinte, None, lu.sujet, lu.valide_au, frozenset()))
    return tuple(found)


_COURRIER: Final = (UsageCle.SIGNATURE, UsageCle.CHIFFREMENT)


def _dossier(instance: Instance) -> Path:
    return instance.dossier / COURRIER


def _load(instance: Instance) -> Trousseau:
    try:
        return load_trousseau(_dossier(instance))
    except (OSError, ValueError) as error:
        raise MauvaisUsage(f"Le trousseau ne se lit pas : {error}", f"Voir {COURRIER}/") from error


def _prepared(trousseau: Trousseau) -> list[str]:
    return [each.empreinte for each in trousseau.clefs if each.etat is EtatCle.PREPARE]


def _following(trousseau: Trousseau, usage: UsageCle) -> Paire:
    """The key that will serve after the next switch: the one prepared, else the present one."""
    prepared = [c for c in trousseau.clefs if c.etat is EtatCle.PREPARE and usage in c.usages]
    found = prepared[0] if prepared else trousseau.active(usage)
    if found is None:
        raise ConstatNegatif(
            f"L'échangeur n'a pas de clé pour l'usage {usage}.",
            "D'abord : echangeur certificat rotation preparer",
        )
    return found.paire


def _next(epingles: tuple[CertificatEpingle, ...], now: datetime) -> CertificatEpingle | None:
    """The certificate that the guichet will use next: the last one prepared, else the last one in use."""
    for etat in (EtatCertificat.PREPARE, EtatCertificat.ACTIF):
        found = [each for each in epingles if each.etat(now) is etat]
        if found:
            return max(found, key=lambda each: (each.actif_du, each.valide_du))
    return None


def _public(certificat: Certificat, usage: UsageCertificat, at: datetime, rsa_min: int) -> Epreuve:
    """What can be tried of a certificate without its private key."""
    verdict = verify(certificat, VERIFIES[usage], at=at, rsa_min=rsa_min)
    detail = f"{verdict.texte} {verdict.constat}".strip()
    if verdict.accepte and usage is UsageCertificat.CHIFFREMENT:
        sealed = encrypt_for(certificat.pem, b"essai", at=at)
        if isinstance(sealed, RaisonRefus):
            return Epreuve(f"certificat : {usage}", False, sealed.texte)
    return Epreuve(f"certificat : {usage}", verdict.accepte, detail)


def _reference(code: str, modele: Certificat, at: datetime) -> Paire:
    """A pair of one day, of the same kind of key as that of the guichet."""
    kind = f"rsa{modele.cle.bits}" if modele.cle.famille == "RSA" else f"p{modele.cle.bits}"
    made = create_autorite("Partenaire de référence", now=at).issue_guichet(
        code, now=at, duree=timedelta(days=1), cle=kind if kind in CLES else P256
    )
    return load_paire(made.chaine, made.cle)


def _given(dossier: Path, suivant: CertificatEpingle) -> Paire:
    try:
        paire = load_paire((dossier / "cert.pem").read_bytes(), (dossier / "key.pem").read_bytes())
    except (OSError, ValueError) as error:
        raise MauvaisUsage(f"{dossier} : {error}", "cert.pem et key.pem, en PEM.") from error
    if paire.certificat.empreinte != suivant.empreinte:
        raise MauvaisUsage(
            f"{dossier} n'est pas l'identité du prochain certificat du guichet.",
            f"Le prochain est {suivant.empreinte}.",
        )
    return paire


def _value(clef: Clef) -> dict[str, object]:
    return {
        "empreinte": clef.empreinte,
        "usages": sorted(clef.usages),
        "etat": clef.etat,
        "valide_au": clef.paire.certificat.valide_au,
        "prepare_le": clef.prepare_le,
        "actif_le": clef.actif_le,
        "retire_le": clef.retire_le,
    }
