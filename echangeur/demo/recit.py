"""How the demonstration tells what happens: a line as each thing happens, then tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.client_reference import Lecture
from conformance.partenaire_reference import Reception
from dispatching.explanation import Explication
from echangeur.demo.chronologie import Moment
from echangeur.demo.console import CompteDemo
from echangeur.demo.etapes import Etape
from echangeur.demo.scenario import PARTENAIRES, Envoi, Partenaire
from registry.controles import PARIS

_WIDTH = 150
"""Columns when nobody watches: the tables of a log are read afterwards, in a wide window."""

_LETTRES: Final = {partenaire.code: partenaire.lettre for partenaire in PARTENAIRES}
_EVENEMENTS: Final = {
    "CRE": "création",
    "MOD": "modification",
    "REN": "renouvellement",
    "RAD": "radiation",
    "PIE": "pièce",
    "EVT": "gestion partagée",
}


class Recit:
    """Writes the story on standard output."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _WIDTH
        self._console = Console(highlight=False, width=width)
        self._held: list[tuple[Partenaire, Reception]] | None = None

    def line(self, text: str, style: str = "") -> None:
        """One line."""
        self._console.print(Text(text, style=style))

    def title(self, text: str) -> None:
        """Start a part of the story."""
        self._console.print()
        self._console.rule(Text(text, style="bold"), align="left")

    def partner(self, partenaire: Partenaire) -> None:
        """Introduce a partner and its filters."""
        filtres = " ; ".join(f"« {f.nom} »" for f in partenaire.filtres) or "aucun filtre"
        titre = f"{partenaire.nom} ({partenaire.code}, {partenaire.type})"
        self.line(f"Partenaire {partenaire.lettre} : {titre}, {filtres}")

    def answered(
        self, rang: int, envoi: Envoi, numero: str, lecture: Lecture, fautes: Sequence[tuple[str, str]]
    ) -> None:
        """What the hub answered to a file of partner A. fautes: pairs (code, text)."""
        self.line(f"A → échangeur  {rang:2}. {envoi.titre}")
        if numero:
            rejeu = ", déjà enregistrée : première réponse" if envoi.comme else ""
            self.line(f"A ← échangeur      numéro unique {numero}{rejeu}", "green")
        for code, text in lecture.anomalies:
            self.line(f"A ← échangeur      anomalie {code} : {text}", "yellow")
        for code, text in fautes:
            self.line(f"A ← échangeur      faute {code} : {text}", "yellow")

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Tell the distributions that arrive meanwhile afterwards: an answer may take longer than they do."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for partenaire, reception in held or ():
                self.received(partenaire, reception)

    def received(self, partenaire: Partenaire, reception: Reception) -> None:
        """A partner received a distribution."""
        if self._held is not None:
            self._held.append((partenaire, reception))
            return
        self.line(
            f"échangeur → {partenaire.lettre}      {reception.numero} ({reception.type_fichier}, "
            f"séquence {reception.sequence}) acquittée",
            "cyan",
        )

    def step(self, rang: int, etape: Etape) -> None:
        """A step of the life begins."""
        self.line(f"{_letter(etape.auteur)} → échangeur  {rang:2}. {etape.titre}")

    def done(self, etape: Etape, lignes: Sequence[str]) -> None:
        """What came back."""
        for ligne in lignes:
            self.line(f"{_letter(etape.auteur)} ← échangeur      {ligne}", "green")

    def life(self, numero: str, moments: Sequence[Moment]) -> None:
        """The life of a demande, from the journal and the decisions."""
        table = Table(title=f"La vie de la demande {numero}", title_justify="left", show_lines=True)
        for titre in ("instant certifié", "événement", "auteur", "ce qui a changé", "distribuée à"):
            table.add_column(titre)
        for moment in moments:
            table.add_row(
                f"{moment.instant.astimezone(PARIS):%H:%M:%S.%f}"[:-3],
                _EVENEMENTS[moment.nature],
                _letter(moment.auteur),
                "\n".join(moment.changements),
                Text(", ".join(map(_letter, sorted(moment.distribuee_a))) or "–", style="cyan"),
            )
        self._console.print()
        self._console.print(table)

    def table(self, lignes: Sequence[tuple[Envoi, str, str, dict[str, Explication]]]) -> None:
        """Each file with its number or anomalie, and who received it."""
        table = Table(title="Demandes et distributions", title_justify="left", show_lines=True)
        table.add_column("demande envoyée par A")
        table.add_column("numéro unique, ou refus")
        receivers = [p for p in PARTENAIRES if p.filtres]
        for partenaire in receivers:
            table.add_column(f"{partenaire.lettre} : {partenaire.nom}")
        for envoi, numero, refus, explications in lignes:
            cells = [_cell(explications.get(p.code)) for p in receivers]
            table.add_row(envoi.titre, Text(numero or refus, style="green" if numero else "yellow"), *cells)
        self._console.print()
        self._console.print(table)

    def console(self, base: str, compte: CompteDemo, autorite: Path, *, ouverte: bool) -> None:
        """Where the console is, and the account that opens it; its last code was used to try it."""
        self.title("La console")
        self.line(f"adresse       {base}")
        self.line(f"compte        {compte.courriel}, agent du partenaire B")
        self.line(f"mot de passe  {compte.mot_de_passe}")
        self.line(f"codes         {' '.join(compte.codes[:4])} (une fois chacun, à la place du téléphone)")
        self.line(f"autorité      {autorite} (à faire connaître au navigateur, ou à excepter)")
        self.line("Connexion essayée : la page d'accueil s'est ouverte.")
        if not ouverte:
            self.line("Elle se ferme avec la démonstration ; pour l'ouvrir dans un navigateur : make run")

    def keep(self, base: str, certificats: Path) -> None:
        """How to call the hub that is kept running."""
        self.title("Le serveur reste ouvert (Ctrl-C pour finir)")
        self.line(f"WSDL        {base}/services/DemandeLogementImplService?wsdl")
        self.line(f"certificat  {certificats / 'cert.pem'}")
        self.line(f"clé         {certificats / 'key.pem'}")
        self.line(f"autorité    {certificats / 'ca.pem'}")
        self.line(
            f"essai       curl --cacert {certificats / 'ca.pem'} "
            f"'{base}/services/DemandeLogementImplService?wsdl'"
        )


def _letter(code: str) -> str:
    """How the story names a guichet, or the operator of the hub, who has no code."""
    return _LETTRES.get(code, "exploitant")


def _cell(explication: Explication | None) -> Text:
    if explication is None:
        return Text("–", style="dim")
    if explication.destinataire:
        return Text(f"reçue : {explication.texte}", style="cyan")
    advice = "".join(f"\nil suffirait de : {conseil}" for conseil in explication.conseils[:1])
    return Text(f"non : {explication.texte}{advice}", style="dim")
