"""The command line of the kit: `echangeur conformite`, or `echangeur-conformite` installed alone.

Exit codes: 0 conform (or done), 1 not conform, 2 wrong usage.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, NoReturn, Protocol, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from certs.autorite import create_autorite
from certs.lecture import CertificatIllisible, read_certificat
from certs.paire import Paire, load_paire
from conformance.assertion import Assertion, Fiche, Mode
from conformance.assertions import FAMILLES, client_assertions, server_assertions
from conformance.campagne import Reprise, Resultat, Terrain, Verdict, run, select
from conformance.cible import Cible
from conformance.francais import Commande, create_group, speak_french
from conformance.profil import MODELE, ProfilIncorrect, read_profil
from conformance.pupitre import Pupitre
from conformance.rapport import Circonstances, make_report, seal, untested, verify_report
from conformance.rapport_html import write_html
from conformance.rapport_junit import write_junit
from schemas.rapport_conformite import Rapport, write_json

NON_CONFORME: Final = 1
USAGE: Final = 2

app = create_group("La conformité à l'interface : essayer un serveur ou un client, et le prouver.")


@app.command("modele", cls=Commande)
def write_model(
    sortie: Annotated[Path, typer.Option("--sortie", help="Fichier à écrire.", dir_okay=False)] = Path(
        "profil.toml"
    ),
) -> None:
    """Écrit un profil de cible, commenté, à remplir."""
    if sortie.exists():
        _refuse(f"{sortie} existe déjà.")
    sortie.write_text(MODELE, encoding="utf-8")
    _say(f"Profil écrit : {sortie}")


@app.command("lister", cls=Commande)
def list_assertions(
    mode: Annotated[
        Mode, typer.Option("--mode", help="Ce qui est à l'essai : serveur ou client.")
    ] = Mode.SERVEUR,
    json: Annotated[bool, typer.Option("--json", help="Écrit le résultat en JSON.")] = False,
) -> None:
    """Liste les assertions, leurs clauses et leur niveau."""
    if json:
        rows = [
            {
                "id": each.id,
                "famille": FAMILLES[each.famille][1],
                "clauses": each.clauses,
                "niveau": each.niveau,
                "titre": each.titre,
                "conduite": each.conduite,
                "exige": each.exige,
                "apres": each.apres,
            }
            for each in _of(mode)
        ]
        _say(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    for each in _of(mode):
        _say(f"{each.id}  {each.niveau:8} {', '.join(each.clauses):18} {each.titre}")


@app.command("lancer", cls=Commande)
def launch(
    profil: Annotated[Path, typer.Argument(help="Profil de la cible (TOML).", dir_okay=False)],
    mode: Annotated[
        Mode, typer.Option("--mode", help="Ce qui est à l'essai : serveur ou client.")
    ] = Mode.SERVEUR,
    choix: Annotated[
        list[str] | None,
        typer.Option(
            "--seulement", help="Numéro d'assertion (S0101) ou de famille (01) ; peut être répétée."
        ),
    ] = None,
    dossier: Annotated[
        Path, typer.Option("--dossier", help="Dossier des rapports et de la reprise.", file_okay=False)
    ] = Path("conformite"),
    graine: Annotated[
        str,
        typer.Option(
            "--graine",
            help="Graine des données envoyées ; la même envoie les mêmes octets.",
            show_default="au hasard",
        ),
    ] = "",
    reprendre: Annotated[
        bool, typer.Option("--reprendre", help="Reprend la campagne interrompue de ce dossier.")
    ] = False,
    validite: Annotated[
        int, typer.Option("--validite", help="Jours de validité du rapport.", min=1, max=730)
    ] = 365,
    certificat: Annotated[
        Path | None,
        typer.Option(
            "--certificat", help="Certificat qui signe le rapport, PEM.", exists=True, dir_okay=False
        ),
    ] = None,
    cle: Annotated[
        Path | None, typer.Option("--cle", help="Sa clé privée, PEM.", exists=True, dir_okay=False)
    ] = None,
    controle: Annotated[
        str,
        typer.Option(
            "--controle",
            help="Adresse où faire vérifier le rapport ; {identifiant} est le sien.",
            show_default="celle du profil",
        ),
    ] = "",
) -> None:
    """Essaie une cible et écrit le rapport : JSON, JUnit XML, HTML, et le JSON signé (CMS).

    Code de retour 1 si la cible n'est pas conforme.
    """
    try:
        lu, empreinte = read_profil(profil)
    except ProfilIncorrect as error:
        _refuse(str(error))
    kept = dossier / "campagne.jsonl"
    graine = graine or (_seed_of(kept) if reprendre else "") or secrets.token_hex(8)
    reprise = Reprise(kept, f"{mode} {graine} {empreinte}")
    debut = datetime.now(UTC)
    wanted = tuple(choix or ())
    chosen: Sequence[Fiche]
    try:
        if mode is Mode.SERVEUR:
            chosen = servers = select(server_assertions(), wanted)
            paire = _signer(dossier, certificat, cle)
            resultats = _run(servers, Cible(lu, graine, debut), reprise, reprendre=reprendre)
        else:
            chosen = clients = select(client_assertions(), wanted)
            paire = _signer(dossier, certificat, cle)
            resultats = _run(clients, Pupitre(lu, graine, debut), reprise, reprendre=reprendre)
    except KeyError as error:
        _refuse(f"Aucune assertion ni famille {error.args[0]} ; `lister` les donne.")
    autour = Circonstances(
        *(
            mode,
            lu.cible.nom,
            lu.cible.adresse,
            lu.cible.version,
            graine,
            empreinte,
            debut,
            datetime.now(UTC),
        ),
        complet=len(chosen) == len(_of(mode)),
        validite=timedelta(days=validite),
        controle=controle or lu.rapport.controle,
        guichet=lu.rapport.guichet,
    )
    rapport = make_report(chosen, {each.id: each for each in resultats}, autour)
    digest = write_reports(rapport, dossier, paire)
    for each in rapport.resultats:
        if each.verdict in (Verdict.ECHOUEE, Verdict.NON_CONCLUANTE):
            _say(f"{each.id} {each.verdict} : {each.titre}")
            _say(
                f"  {each.quoi} : trouvé {each.trouve}, attendu {each.attendu}"
                if each.quoi
                else f"  {each.raison}"
            )
            _say(f"  à faire : {each.conduite}")
    _say(", ".join(f"{count} {verdict}" for verdict, count in rapport.totaux.items()))
    for famille in untested(rapport.resultats):
        _say(f"Non éprouvée : {famille}")
    verdict = "Conforme" if rapport.conforme else "Non conforme"
    _say(f"{verdict} ; rapport {dossier / 'rapport.html'}, SHA-256 {digest}")
    if not rapport.conforme:
        raise typer.Exit(NON_CONFORME)


@app.command("verifier", cls=Commande)
def verify(
    rapport: Annotated[
        Path, typer.Argument(help="Rapport signé (rapport.p7m).", exists=True, dir_okay=False)
    ],
    signataire: Annotated[
        list[Path],
        typer.Option(
            "--signataire",
            help="Certificat qui peut signer, PEM ; peut être répétée.",
            exists=True,
            dir_okay=False,
        ),
    ],
) -> None:
    """Vérifie un rapport signé : signature, signataire, date d'expiration, conclusion.

    Code de retour 1 s'il ne vaut rien.
    """
    known = set()
    for path in signataire:
        read = read_certificat(path.read_bytes())
        if isinstance(read, CertificatIllisible):
            _refuse(f"{path} : {read.message}")
        known.add(read.empreinte)
    found = verify_report(rapport.read_bytes(), signataires=frozenset(known), instant=datetime.now(UTC))
    if found.rapport is not None:
        verdict = "conforme" if found.rapport.conforme else "non conforme"
        until = f"{found.rapport.expire:%d/%m/%Y}"
        _say(f"{found.rapport.cible} : {verdict}, {found.rapport.version_interface}, jusqu'au {until}")
    for ecart in found.ecarts:
        _say(f"Écart : {ecart}")
    if found.ecarts:
        raise typer.Exit(NON_CONFORME)
    _say(f"Rapport vérifié, SHA-256 {found.empreinte}")


def write_reports(rapport: Rapport, dossier: Path, paire: Paire) -> str:
    """Write the four forms; the SHA-256 of the JSON."""
    dossier.mkdir(parents=True, exist_ok=True)
    data = write_json(rapport)
    digest = hashlib.sha256(data).hexdigest()
    (dossier / "rapport.json").write_bytes(data)
    (dossier / "rapport.xml").write_bytes(write_junit(rapport))
    (dossier / "rapport.html").write_text(write_html(rapport, digest), encoding="utf-8")
    (dossier / "rapport.p7m").write_bytes(seal(data, paire, instant=rapport.fin))
    return digest


def _of(mode: Mode) -> Sequence[Fiche]:
    return server_assertions() if mode is Mode.SERVEUR else client_assertions()


class _Terrain(Terrain, Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Terrain)


def _run(
    chosen: Sequence[Assertion[T]], terrain: T, reprise: Reprise, *, reprendre: bool
) -> tuple[Resultat, ...]:
    connus = reprise.load() if reprendre else {}
    reprise.start(connus.values())
    with _bar() as bar:
        task = bar.add_task("", total=len(chosen), completed=len(connus))

        def tell(assertion: Assertion[T], resultat: Resultat) -> None:
            reprise.add(resultat)
            bar.update(task, advance=1, description=f"{assertion.id} {resultat.verdict}")

        try:
            return run(chosen, terrain, connus=connus, sur_resultat=tell)
        finally:
            terrain.close()


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _seed_of(kept: Path) -> str:
    """The seed of the campaign that was cut."""
    try:
        return kept.read_text(encoding="utf-8").split(maxsplit=2)[1]
    except (OSError, IndexError):
        return ""


def _signer(dossier: Path, certificat: Path | None, cle: Path | None) -> Paire:
    """The key given, or one of the kit's own, made the first time and kept."""
    if (certificat is None) is not (cle is None):
        _refuse("--certificat et --cle vont ensemble.")
    folder = dossier / "signature"
    if certificat is None and not (folder / "key.pem").exists():
        now = datetime.now(UTC)
        create_autorite("Kit de conformité", now=now).issue_guichet("KIT00", now=now).write(folder)
    try:
        return load_paire(
            (certificat or folder / "cert.pem").read_bytes(), (cle or folder / "key.pem").read_bytes()
        )
    except ValueError as error:
        _refuse(str(error))


def _say(text: str) -> None:
    print(text, flush=True)


def _refuse(text: str) -> NoReturn:
    sys.stderr.write(f"Erreur : {text}\n")
    raise typer.Exit(USAGE)


def main() -> None:
    """Entry point of `echangeur-conformite`."""
    speak_french()
    app()
