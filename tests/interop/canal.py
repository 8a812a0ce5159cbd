"""The whole channel: a hub in its own process between a real postfix and a real dovecot, and its partners.

partner → postfix → the mailbox of the hub in dovecot, or the listener of the hub → registration → postfix →
the mailbox of the partner → the reference partner, which opens what it finds there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import text

from certs.lecture import Certificat, read_certificat
from certs.paire import load_paire
from conformance.partenaire_courrier import Echangeur, PartenaireCourrier, Piece, Recu
from echangeur.instance import open_instance
from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.processus import Serveur
from tests.interop.relais import Relais
from tests.interop.serveurs import (
    DOMAINE,
    DOMAINE_HUB,
    HOTE,
    MOT_DE_PASSE,
    Dovecot,
    Postfix,
    free_ports,
)
from tools.etrangers import Chaine

BOITE: Final = "echangeur"
PAR_IMAP: Final = f"{BOITE}@{DOMAINE}"
PAR_SMTP: Final = f"{BOITE}@{DOMAINE_HUB}"
GUICHET: Final = "G1104"


@dataclass
class Correspondant:
    """A partner, whose robot reads its mailbox. vus: by Message-ID answered, the mails of the hub."""

    code: str
    robot: PartenaireCourrier
    canal: Canal
    vus: dict[str, list[Recu]] = field(default_factory=dict)
    _lus: set[bytes] = field(default_factory=set)

    @property
    def boite(self) -> str:
        return self.code.lower()

    def compose(self, cle: str, *documents: bytes, detache: bool = False) -> bytes:
        """A mail to the hub with these files; its answer will name `cle`."""
        pieces = [Piece(f"DEM{self.code}-{rang}.xml", each) for rang, each in enumerate(documents)]
        return self.robot.compose(pieces, message_id=cle, detache=detache)

    def post(self, cle: str, *documents: bytes) -> None:
        """Through postfix."""
        self.canal.postfix.send(self.compose(cle, *documents), self.canal.adresse, self.robot.adresse)

    def collect(self) -> dict[str, list[Recu]]:
        """Open what is new in the mailbox; everything so far."""
        for mail in self.canal.dovecot.messages(self.boite, connus=self._lus):
            recu = self.robot.read(mail)
            assert isinstance(recu, Recu), recu
            self.vus.setdefault(recu.en_reponse_a.partition("@")[0], []).append(recu)
        return self.vus

    def numeros(self, cle: str) -> list[str]:
        """The numbers that the answer to `cle` gives."""
        accuse = self.vus[cle][0].accuse
        assert accuse is not None
        return [fichier.numero for fichier in accuse.fichiers]


@dataclass
class Canal:
    """adresse: that of the hub, which tells the way in. imap, smtp: relays on the way from the hub to its
    servers, which the tests cut."""

    adresse: str
    instance: Path
    dovecot: Dovecot
    postfix: Postfix
    hub: Serveur
    imap: Relais
    smtp: Relais
    _codes: Iterator[str] = field(default_factory=lambda: (f"G{number}" for number in count(2001)))

    def next_code(self) -> str:
        """Of a guichet that no test has taken."""
        return next(self._codes)

    def journal(self) -> str:
        """The end of what the servers said, and where the messages are, for the text of a failure."""
        hub = (self.instance / "serveur.log").read_text(errors="replace")[-6000:]
        places = {
            "en attente dans postfix": self.postfix.waiting,
            "dans la boîte de l'échangeur": self.dovecot.count(BOITE),
            "reçus": self._column("SELECT etat || ' ' || count(*) FROM courrier_entrant GROUP BY etat"),
            "à envoyer": self._column("SELECT etat || ' ' || count(*) FROM courrier_sortant GROUP BY etat"),
        }
        return f"{self.dovecot.journal()}\n{self.postfix.journal()}\n{hub}\n{places}"

    def acquitted(self, code: str) -> int:
        """How many distributions the guichet has acknowledged."""
        query = f"SELECT 1 FROM distribution WHERE guichet = '{code}' AND etat = 'acquittee'"
        return len(self._column(query))

    def correspondant(self, code: str) -> Correspondant:
        """A new guichet with its certificate; it writes and is answered by mail."""
        files = self.instance.parent / f"{code}-certificats"
        words = ("--nom", f"Guichet {code}", "--type", "bailleur", "--territoire", "111")
        self.administer("guichet", "ajouter", code, *words)
        self.administer("certificat", "emettre", code, "--dossier", files)
        address = f"{code.lower()}@{DOMAINE}"
        self.administer("guichet", "adresse", code, address, "--courrier")
        robot = PartenaireCourrier(
            address,
            load_paire((files / "cert.pem").read_bytes(), (files / "key.pem").read_bytes()),
            Echangeur(
                self.adresse,
                HOTE,
                0,
                self.certificat("chiffrement/1"),
                self.certificat("signature").empreinte,
            ),
        )
        return Correspondant(code, robot, self)

    def administer(self, *words: object) -> None:
        """A command of the operator."""
        administer("--instance", self.instance, *words)

    def certificat(self, name: str) -> Certificat:
        """One of those of the hub."""
        read = read_certificat((self.instance / "courrier" / name / "cert.pem").read_bytes())
        assert isinstance(read, Certificat)
        return read

    def demandes(self) -> list[str]:
        """The numbers registered."""
        return self._column("SELECT numero FROM demande ORDER BY 1")

    def creations(self) -> int:
        """How many creations the journal tells."""
        return len(self._column("SELECT 1 FROM journal WHERE nature = 'CRE'"))

    def copies(self, cle: str) -> int:
        """How many times the hub was given the message `cle`: a relay that dies gives twice what it gave."""
        query = f"SELECT 1 FROM courrier_entrant WHERE message_id LIKE '{cle}@%' AND etat = 'traite'"
        return len(self._column(query))

    def entrants(self, etat: str) -> int:
        """How many messages the hub has in this state."""
        return len(self._column(f"SELECT 1 FROM courrier_entrant WHERE etat = '{etat}'"))

    def _column(self, query: str) -> list[str]:
        with open_instance(self.instance).database() as engine, engine.connect() as conn:
            return list(conn.scalars(text(query)))


@contextmanager
def open_canal(
    dossier: Path, certificats: Path, adresse: str, dovecot: Chaine, postfix: Chaine
) -> Iterator[Canal]:
    """A hub that serves, with its two servers, all of them new."""
    instance = dossier / "instance"
    administer("init", instance)
    (direct,) = free_ports(1)
    # Postfix checks the certificate of the hub, whose authority is that of the instance.
    trust = certificats / "ca.pem"
    trusted = dossier / "certificats"
    trusted.mkdir()
    for name in ("cert.pem", "key.pem"):
        (trusted / name).write_bytes((certificats / name).read_bytes())
    (trusted / "ca.pem").write_bytes(trust.read_bytes() + (instance / "autorite/ca.pem").read_bytes())
    boites = Dovecot(dovecot, dossier / "d", certificats)
    mta = Postfix(postfix, dossier / "p", trusted, lmtp=boites.lmtp, hub=direct)
    imap, smtp = Relais(boites.imaps), Relais(mta.smtp)
    (instance / "secret").write_text(MOT_DE_PASSE)
    (instance / "autorites.pem").write_bytes(trust.read_bytes())
    configure(
        instance / "echangeur.toml",
        {
            "courrier.actif": "true",
            "courrier.adresse": f'"{adresse}"',
            "courrier.port": str(direct),
            "relais.hote": '"localhost"',
            "relais.port": str(smtp.port),
            "relais.autorites": '"autorites.pem"',
            **(
                {
                    "boite.hote": '"localhost"',
                    "boite.port": str(imap.port),
                    "boite.autorites": '"autorites.pem"',
                    "boite.utilisateur": f'"{BOITE}"',
                    "boite.mot_de_passe": '"secret"',
                }
                if adresse == PAR_IMAP
                else {}
            ),
        },
    )
    hub = Serveur(instance)
    try:
        boites.start()
        mta.start()
        hub.start()
        yield Canal(adresse, instance, boites, mta, hub, imap, smtp)
    finally:
        hub.close()
        mta.kill()
        boites.kill()
        imap.close()
        smtp.close()


def configure(fichier: Path, values: dict[str, str]) -> None:
    """Change settings, named ``section.name``, in a configuration file that has them all."""
    wanted, section, lines = dict(values), "", []
    for line in fichier.read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            section = found[1]
        elif (name := line.partition(" = ")[0]) and (value := wanted.pop(f"{section}.{name}", None)):
            line = f"{name} = {value}"
        lines.append(line)
    assert wanted == {}
    fichier.write_text("\n".join(lines) + "\n", encoding="utf-8")


def check_nothing_lost_nothing_twice(
    canal: Canal, correspondant: Correspondant, cles: Sequence[str], avant: Sequence[str] = ()
) -> None:
    """Each copy that the hub was given has one answer, under one identifier however often it came, and all
    the copies of a message the same numbers ([COU-10]); each demande is there once.

    avant: numbers registered before.
    """
    vus = correspondant.collect()
    assert set(cles) <= set(vus)
    for cle in cles:
        assert len({recu.id for recu in vus[cle]}) <= canal.copies(cle), (cle, vus[cle])
        answers = [[f.numero for f in recu.accuse.fichiers] for recu in vus[cle] if recu.accuse is not None]
        assert all(numeros == answers[0] for numeros in answers), cle
    given = [numero for cle in cles for numero in correspondant.numeros(cle)]
    assert len(set(given)) == len(given)
    assert sorted([*avant, *given]) == canal.demandes()
    assert canal.creations() == len(canal.demandes())
