"""The certificates pinned to guichets, and who speaks: a certificate names its guichet (design, decision 7).

A pin is the SHA-256 of the certificate: a guichet is known by the very certificates that the gestionnaire has
registered for it, whatever authority issued them and whatever names they bear.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from certs.algorithmes import PAR_DEFAUT, PROFILS
from certs.lecture import Certificat, CertificatIllisible, read_certificat
from certs.verification import Motif, Usage, Verdict, verify
from registry.anomalies import CATALOGUE, Anomalie, Tour
from registry.clock import Clock
from registry.conformite import SANS_EXIGENCE, ReglesConformite
from registry.constats import Constat
from registry.echanges import Emetteur
from registry.generations import Generation, bump, read
from registry.guichets_store import get_guichet, list_guichets
from registry.production import RAPPORT_EXIGE, closings
from registry.profils import default_profil
from registry.profils_store import read_profils
from registry.tables import CERTIFICAT
from registry.tables_certificats import VERDICT_CERTIFICAT
from registry.usages_certificats import (
    ADMIS,
    SUSPENDUS,
    EtatCertificat,
    UsageCertificat,
    etat_of,
    usages_possibles,
    verify_usages,
)

CERTIFICAT_INCONNU: Final = CATALOGUE.declare(
    "GUI001",
    "Le certificat présenté (empreinte SHA-256 {constat}) n'est celui d'aucun guichet.",
    tour=Tour.PARTENAIRE,
    conduite="Présenter le certificat enregistré, ou faire enregistrer celui-ci par le gestionnaire "
    "territorial.",
    source="conception, décision 7",
)
CERTIFICAT_RETIRE: Final = CATALOGUE.declare(
    "GUI002",
    "Le certificat présenté (empreinte SHA-256 {constat}) a été retiré le {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Présenter le certificat en cours ; un certificat retiré n'est jamais rétabli.",
    source="conception, décision 7",
)
CERTIFICAT_PAS_ENCORE_VALIDE: Final = CATALOGUE.declare(
    "GUI003",
    "Le certificat présenté n'est valide qu'à partir du {attendu} ; il est {constat}.",
    tour=Tour.PARTENAIRE,
    conduite="Présenter jusque-là le certificat précédent.",
    source="RFC 5280 §4.1.2.5",
)
CERTIFICAT_EXPIRE: Final = CATALOGUE.declare(
    "GUI004",
    "Le certificat présenté a expiré le {attendu} ; il est {constat}.",
    tour=Tour.PARTENAIRE,
    conduite="Renouveler le certificat et transmettre le nouveau au gestionnaire territorial.",
    source="RFC 5280 §4.1.2.5",
)
GUICHET_FERME: Final = CATALOGUE.declare(
    "GUI005",
    "Le guichet {constat}, que désigne le certificat, est fermé.",
    tour=Tour.GESTIONNAIRE,
    conduite="S'adresser au gestionnaire territorial, qui seul peut ouvrir un guichet.",
    source="regles §1",
)
CERTIFICAT_AUTRE_USAGE: Final = CATALOGUE.declare(
    "GUI006",
    "Le certificat présenté n'est pas enregistré pour cet usage ({constat}), mais pour : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Présenter le certificat enregistré pour cet usage, ou faire enregistrer celui-ci pour lui.",
    source="spécification, CER-1",
)
CERTIFICAT_REVOQUE: Final = CATALOGUE.declare(
    "GUI007",
    "Le certificat présenté (empreinte SHA-256 {constat}) est révoqué depuis le {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Ne plus employer cette clé, et faire enregistrer un certificat fait sur une autre.",
    source="spécification, CER-33",
)

CERTIFICAT_DESAVOUE: Final = CATALOGUE.declare(
    "GUI008",
    "L'autorité du certificat présenté ne répond plus de lui : {constat} (attendu : {attendu}).",
    tour=Tour.PARTENAIRE,
    conduite="Faire enregistrer un certificat dont le chemin est valide.",
    source="spécification, CER-36",
)
CERTIFICAT_SUSPENDU: Final = CATALOGUE.declare(
    "GUI009",
    "La révocation du certificat présenté ne peut pas être vérifiée : {constat} (attendu : {attendu}).",
    tour=Tour.EXPLOITANT,
    conduite="Rafraîchir la liste de révocation de l'autorité ; renvoyer ensuite le même message.",
    source="spécification, CER-37",
    rejouable=True,
)

_FRESH: Final = timedelta(seconds=1)
"""Age at which the copy in memory is compared with the database: a withdrawal takes effect within it."""


@dataclass(frozen=True, slots=True)
class CertificatEpingle:
    """A certificate of a guichet.

    empreinte: 64 lower-case hexadecimal characters. usages: what it is registered for.
    actif_du: when it comes into use towards its guichet. retire_le: None while it is trusted.
    motif: what the authorities trusted say of it, since juge_depuis; constat and attendu, in French.
    """

    empreinte: str
    guichet: str
    sujet: str
    valide_du: datetime
    valide_au: datetime
    pem: bytes
    enregistre_le: datetime
    actif_du: datetime
    usages: frozenset[UsageCertificat]
    retire_le: datetime | None = None
    revoque_le: datetime | None = None
    motif: Motif = Motif.VALIDE
    constat: str = ""
    attendu: str = ""
    juge_depuis: datetime | None = None

    @property
    def admis(self) -> bool:
        """Whether its authority, if one is trusted, vouches for it ([CER-36])."""
        return self.motif in ADMIS

    def etat(self, instant: datetime) -> EtatCertificat:
        """Where it is in its life."""
        return etat_of(
            valide_au=self.valide_au,
            actif_du=self.actif_du,
            retire_le=self.retire_le,
            revoque_le=self.revoque_le,
            instant=instant,
        )


ALERTE: Final = timedelta(days=60)
"""A certificate that ends sooner is shown as such: renewing one takes weeks in an administration."""


def state_of(certificat: CertificatEpingle, now: datetime) -> str:
    """What a certificate is worth at an instant, in French."""
    if certificat.revoque_le is not None:
        return "révoqué"
    if certificat.retire_le is not None:
        return "retiré"
    if now < certificat.valide_du:
        return "pas encore valide"
    if now > certificat.valide_au:
        return "expiré"
    if certificat.motif in SUSPENDUS:
        return "suspendu"
    if not certificat.admis:
        return "révoqué" if certificat.motif is Motif.REVOQUE else "désavoué"
    if certificat.etat(now) is EtatCertificat.PREPARE:
        return "préparé"
    return "expire bientôt" if certificat.valide_au - now < ALERTE else "valide"


def pin_certificat(
    conn: Connection,
    code: str,
    data: bytes,
    *,
    instant: datetime,
    usages: frozenset[UsageCertificat] = frozenset(),
    actif_du: datetime | None = None,
) -> CertificatEpingle | tuple[Constat, ...]:
    """Trust a certificate (PEM or DER; the leaf of a chain) to speak for the guichet `code`, or say why not.

    usages: what it serves for; none named, it must be able to open TLS, and serves for all that its key
        allows. actif_du: when we begin to encrypt for it; until then it is only accepted.
    One that is not valid yet is welcome: partners register the next one before they change.
    """
    epingle = judge_pin(conn, code, data, instant=instant, usages=usages, actif_du=actif_du)
    if not isinstance(epingle, CertificatEpingle):
        return epingle
    pose = insert(CERTIFICAT).values(
        empreinte=epingle.empreinte,
        guichet=epingle.guichet,
        sujet=epingle.sujet,
        valide_du=epingle.valide_du,
        valide_au=epingle.valide_au,
        pem=epingle.pem.decode("ascii"),
        enregistre_le=epingle.enregistre_le,
        usages=sorted(epingle.usages),
        actif_du=epingle.actif_du,
    )
    if conn.execute(pose.on_conflict_do_nothing().returning(CERTIFICAT.c.empreinte)).first() is None:
        # Registered meanwhile by somebody else.
        return tuple(filter(None, (_taken(conn, epingle.empreinte),)))
    bump(conn, Generation.IDENTITES)
    return epingle


def judge_pin(
    conn: Connection,
    code: str,
    data: bytes,
    *,
    instant: datetime,
    usages: frozenset[UsageCertificat] = frozenset(),
    actif_du: datetime | None = None,
) -> CertificatEpingle | tuple[Constat, ...]:
    """What `pin_certificat` would keep, or why it would not; nothing is written."""
    guichet = get_guichet(conn, code)
    if guichet is None or not guichet.actif:
        etat = "est fermé" if guichet else "n'existe pas"
        return (Constat("GUICHET-INCONNU", "code", f"le guichet {code} {etat}"),)
    lu = read_certificat(data)
    if isinstance(lu, CertificatIllisible):
        return (refusal_of(lu),)
    taken = _taken(conn, lu.empreinte)
    if taken is not None:
        return (taken,)
    rsa_min = PROFILS[guichet.capacites].rsa_min
    # One that is not valid yet is judged at the first instant when it will be.
    verdict = verify_usages(
        lu,
        usages or frozenset({UsageCertificat.TLS}),
        at=max(instant, lu.valide_du),
        rsa_min=rsa_min,
    )
    if not verdict.accepte:
        return (refusal_of(verdict),)
    return CertificatEpingle(
        lu.empreinte,
        code,
        lu.sujet,
        lu.valide_du,
        lu.valide_au,
        lu.pem,
        enregistre_le=instant,
        actif_du=actif_du or instant,
        usages=usages or usages_possibles(lu, rsa_min=rsa_min),
    )


def refusal_of(refus: CertificatIllisible | Verdict) -> Constat:
    """Why a certificate that was sent is not taken: it cannot be read, or must not serve."""
    if isinstance(refus, CertificatIllisible):
        return Constat(refus.code, "certificat", refus.message)
    detail = f" ({refus.constat} ; attendu : {refus.attendu})" if refus.constat else ""
    return Constat(f"CERTIFICAT-{refus.motif}", "certificat", f"{refus.texte.rstrip('.')}{detail}")


def withdraw_certificat(
    conn: Connection, empreinte: str, *, instant: datetime, revoque: bool = False
) -> tuple[Constat, ...]:
    """Trust this certificate no more, for ever. Empty answer when done; twice keeps the first date.

    revoque: its key may be in other hands; what it signs is then told so.
    """
    dates = {CERTIFICAT.c.retire_le: func.coalesce(CERTIFICAT.c.retire_le, instant)}
    if revoque:
        dates[CERTIFICAT.c.revoque_le] = func.coalesce(CERTIFICAT.c.revoque_le, instant)
    pose = update(CERTIFICAT).where(CERTIFICAT.c.empreinte == empreinte).values(dates)
    if not conn.execute(pose).rowcount:
        return (Constat("CERTIFICAT-INCONNU", "empreinte", f"aucun certificat d'empreinte {empreinte}"),)
    bump(conn, Generation.IDENTITES)
    return ()


def get_certificat(conn: Connection, empreinte: str) -> CertificatEpingle | None:
    """The certificate of that empreinte, withdrawn or not."""
    found = list_certificats(conn, empreintes=[empreinte])
    return found[0] if found else None


def list_certificats(
    conn: Connection, guichet: str | None = None, *, empreintes: Collection[str] | None = None
) -> tuple[CertificatEpingle, ...]:
    """All the certificates, withdrawn ones included, or those of a guichet, or those named; by guichet, then
    by date."""
    verdict = VERDICT_CERTIFICAT.c
    query = (
        select(CERTIFICAT, verdict.motif, verdict.constat, verdict.attendu, verdict.depuis)
        .outerjoin(VERDICT_CERTIFICAT, verdict.empreinte == CERTIFICAT.c.empreinte)
        .order_by(CERTIFICAT.c.guichet, CERTIFICAT.c.enregistre_le)
    )
    if guichet is not None:
        query = query.where(CERTIFICAT.c.guichet == guichet)
    if empreintes is not None:
        query = query.where(CERTIFICAT.c.empreinte.in_(empreintes))
    return tuple(_epingle(ligne) for ligne in conn.execute(query))


def certificat_de_chiffrement(conn: Connection, code: str, *, instant: datetime) -> Certificat | None:
    """What to encrypt for a guichet with: the newest of its certificates in use that can; or None."""
    guichet = get_guichet(conn, code)
    rsa_min = PROFILS[guichet.capacites].rsa_min if guichet else PAR_DEFAUT.rsa_min
    candidats = [
        each
        for each in list_certificats(conn, code)
        if UsageCertificat.CHIFFREMENT in each.usages
        and each.etat(instant) is EtatCertificat.ACTIF
        and each.admis
    ]
    for candidat in sorted(candidats, key=lambda each: (each.actif_du, each.valide_du), reverse=True):
        lu = read_certificat(candidat.pem)
        if isinstance(lu, Certificat) and verify(lu, Usage.CHIFFREMENT, at=instant, rsa_min=rsa_min).accepte:
            return lu
    return None


def _taken(conn: Connection, empreinte: str) -> Constat | None:
    """Why a certificate cannot be registered again; None when it never was."""
    ligne = conn.execute(
        select(CERTIFICAT.c.guichet, CERTIFICAT.c.retire_le).where(CERTIFICAT.c.empreinte == empreinte)
    ).first()
    if ligne is None:
        return None
    etat = "a été retiré : il n'est jamais rétabli" if ligne.retire_le else "est déjà enregistré"
    return Constat("CERTIFICAT-PRIS", "certificat", f"ce certificat du guichet {ligne.guichet} {etat}")


def _epingle(ligne: Row[Any]) -> CertificatEpingle:
    return CertificatEpingle(
        empreinte=ligne.empreinte,
        guichet=ligne.guichet,
        sujet=ligne.sujet,
        valide_du=ligne.valide_du,
        valide_au=ligne.valide_au,
        pem=ligne.pem.encode("ascii"),
        enregistre_le=ligne.enregistre_le,
        actif_du=ligne.actif_du or ligne.enregistre_le,
        usages=_usages(ligne),
        retire_le=ligne.retire_le,
        revoque_le=ligne.revoque_le,
        motif=Motif.VALIDE if ligne.motif is None else Motif(ligne.motif),
        constat=ligne.constat or "",
        attendu=ligne.attendu or "",
        juge_depuis=ligne.depuis,
    )


def _usages(ligne: Row[Any]) -> frozenset[UsageCertificat]:
    if ligne.usages is not None:
        return frozenset(UsageCertificat(each) for each in ligne.usages)
    # Registered before certificates had uses: all that its key allows.
    lu = read_certificat(ligne.pem.encode("ascii"))
    assert isinstance(lu, Certificat)
    return usages_possibles(lu, rsa_min=PAR_DEFAUT.rsa_min)


@dataclass(frozen=True, slots=True)
class _Copie:
    """What was read at a generation; `verifiee_le` is when that generation was last seen to be current."""

    generation: int
    verifiee_le: datetime
    connus: Mapping[str, tuple[CertificatEpingle, Emetteur]]
    fermetures: Mapping[str, datetime]


class Identites:
    """Who speaks, by the empreinte of the certificate: a copy in memory, compared once a second at most.

    An unknown empreinte is compared at once, so that a partner registered just now is served just now. May be
    used from several threads.

    conformite: what is asked of the guichets before they exchange here ([CNF-7]).
    """

    def __init__(self, engine: Engine, clock: Clock, conformite: ReglesConformite = SANS_EXIGENCE) -> None:
        self._engine = engine
        self._clock = clock
        self._conformite = conformite
        self._copie: _Copie | None = None
        self._loading = threading.Lock()

    def identify(
        self,
        empreinte: str,
        usage: UsageCertificat = UsageCertificat.TLS,
        recu_le: datetime | None = None,
    ) -> Emetteur | Anomalie:
        """The emitter that a certificate names, or why it names none for this usage. May read the database
        (`resolve` for an event loop); raises what the database raises ([SOA-2]).

        recu_le: when what it vouches for reached us, if not just now: its dates are judged at that instant,
            all the rest by what is known now ([COU-14]).
        """
        now = self._clock.now()
        copie = self._current(empreinte, now) or self._refresh(now)
        instant = recu_le or now
        if empreinte not in copie.connus:
            return CERTIFICAT_INCONNU(empreinte)
        certificat, emetteur = copie.connus[empreinte]
        if certificat.revoque_le is not None:
            return CERTIFICAT_REVOQUE(empreinte, _moment(certificat.revoque_le))
        if certificat.retire_le is not None:
            return CERTIFICAT_RETIRE(empreinte, _moment(certificat.retire_le))
        if instant < certificat.valide_du:
            return CERTIFICAT_PAS_ENCORE_VALIDE(_moment(instant), _moment(certificat.valide_du))
        if instant > certificat.valide_au:
            return CERTIFICAT_EXPIRE(_moment(instant), _moment(certificat.valide_au))
        if not certificat.admis:
            return _disowned(certificat)
        if usage not in certificat.usages:
            return CERTIFICAT_AUTRE_USAGE(usage, ", ".join(sorted(certificat.usages)))
        if not emetteur.guichet.actif:
            return GUICHET_FERME(emetteur.guichet.code)
        ferme_le = copie.fermetures.get(emetteur.guichet.code)
        if ferme_le is not None and instant >= ferme_le:
            return RAPPORT_EXIGE(emetteur.guichet.code, _moment(ferme_le))
        return emetteur

    async def resolve(
        self,
        empreinte: str,
        usage: UsageCertificat = UsageCertificat.TLS,
        recu_le: datetime | None = None,
    ) -> Emetteur | Anomalie:
        """`identify` for an event loop: at once from memory when it can, in a thread when it must read."""
        if self._current(empreinte, self._clock.now()) is not None:
            return self.identify(empreinte, usage, recu_le)
        return await asyncio.to_thread(self.identify, empreinte, usage, recu_le)

    def epingles(self) -> tuple[bytes, ...]:
        """The certificates trusted now, in PEM, for certs.tls.trust. May read the database."""
        copie = self._refresh(self._clock.now())
        return tuple(
            certificat.pem for certificat, _ in copie.connus.values() if certificat.retire_le is None
        )

    def _current(self, empreinte: str, instant: datetime) -> _Copie | None:
        """The copy when it may answer for this empreinte without asking the database."""
        copie = self._copie
        # abs: a clock that is set back must not make the copy eternal.
        if copie is None or abs(instant - copie.verifiee_le) >= _FRESH or empreinte not in copie.connus:
            return None
        return copie

    def _refresh(self, instant: datetime) -> _Copie:
        with self._loading, self._engine.connect() as conn:
            generation = read(conn, Generation.IDENTITES)
            copie = self._copie
            if copie is not None and copie.generation == generation:
                copie = replace(copie, verifiee_le=instant)
            else:
                fermetures = closings(conn, self._conformite, instant=instant)
                copie = _Copie(generation, instant, _load(conn), fermetures)
            self._copie = copie
            return copie


def _disowned(certificat: CertificatEpingle) -> Anomalie:
    if certificat.motif in SUSPENDUS:
        return CERTIFICAT_SUSPENDU(certificat.constat, certificat.attendu)
    return CERTIFICAT_DESAVOUE(certificat.constat, certificat.attendu)


def _load(conn: Connection) -> Mapping[str, tuple[CertificatEpingle, Emetteur]]:
    guichets = {guichet.code: guichet for guichet in list_guichets(conn)}
    profils = read_profils(conn)
    return {
        certificat.empreinte: (
            certificat,
            Emetteur(
                guichets[certificat.guichet],
                certificat.empreinte,
                profils.get(certificat.empreinte) or default_profil(certificat.guichet),
            ),
        )
        for certificat in list_certificats(conn)
        # One written between the two readings waits for the next generation.
        if certificat.guichet in guichets
    }


def _moment(instant: datetime) -> str:
    return f"{instant:%d/%m/%Y à %H:%M} UTC"
