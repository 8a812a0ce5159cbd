"""The authorities trusted for the certificates of partners, and their revocation lists, kept.

The pin names the guichet; an authority registered here adds that it still vouches for the certificate.
Without any, the pin alone decides. Lists are fetched by an edge (`echangeur.lcr`), judged and kept here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from certs.algorithmes import PAR_DEFAUT, Profil
from certs.chemin import (
    Ancres,
    Exigence,
    Lcr,
    ReponseOcsp,
    Revocation,
    is_signed_by,
    read_lcr,
    validate,
)
from certs.lecture import Certificat, CertificatIllisible, read_certificat
from certs.verification import Motif, Verdict
from registry.constats import Constat
from registry.generations import Generation, bump
from registry.tables_certificats import AUTORITE_CONFIANCE

GRACE: Final = timedelta(hours=24)
"""A list published a day late suspends nobody; beyond, what depends on it waits."""

PERIODE: Final = timedelta(hours=6)
"""A verdict is never kept longer."""

_SECONDE: Final = timedelta(seconds=1)
_JAMAIS: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AutoriteConfiance:
    """An authority trusted (ancre) or only known, to build paths with.

    lcr_url, ocsp_url: where its list is fetched, where it is asked of one certificate; or empty.
    erreur: why the last attempt failed, in French, or empty.
    """

    certificat: Certificat
    ancre: bool
    lcr_url: str
    ajoutee_le: datetime
    lcr: Lcr | None
    obtenue_le: datetime | None
    erreur: str
    ocsp_url: str = ""

    def a_rafraichir(self, instant: datetime) -> bool:
        """Whether its list should be fetched: none yet, or past half of its life."""
        if not self.lcr_url:
            return False
        return self.lcr is None or (
            self.lcr.a_rafraichir_le is not None and instant >= self.lcr.a_rafraichir_le
        )


def add_autorite(
    conn: Connection, data: bytes, *, ancre: bool, lcr_url: str, instant: datetime, ocsp_url: str = ""
) -> AutoriteConfiance | tuple[Constat, ...]:
    """Trust an authority (PEM or DER), or only know it; or say why not. Again: its settings change."""
    lu = read_certificat(data)
    if isinstance(lu, CertificatIllisible):
        return (Constat(lu.code, "certificat", lu.message),)
    if not lu.autorite:
        texte = f"{lu.sujet[:200]} n'est pas le certificat d'une autorité (basicConstraints)"
        return (Constat("AUTORITE-USAGE", "certificat", texte),)
    for champ, url in (("lcr", lcr_url), ("ocsp", ocsp_url)):
        if url and not url.startswith(("http://", "https://")):
            return (Constat("AUTORITE-URL", champ, f"« {url} » n'est pas une adresse http ou https"),)
    settings = {"ancre": ancre, "lcr_url": lcr_url, "ocsp_url": ocsp_url, "retiree_le": None}
    pose = insert(AUTORITE_CONFIANCE).values(
        empreinte=lu.empreinte, nom=lu.sujet, pem=lu.pem.decode("ascii"), ajoutee_le=instant, **settings
    )
    conn.execute(pose.on_conflict_do_update(index_elements=["empreinte"], set_=settings))
    bump(conn, Generation.CONFIANCE)
    return next(each for each in list_autorites(conn) if each.certificat.empreinte == lu.empreinte)


def remove_autorite(conn: Connection, empreinte: str, *, instant: datetime) -> tuple[Constat, ...]:
    """Trust it no more. Empty answer when done."""
    table = AUTORITE_CONFIANCE.c
    pose = update(AUTORITE_CONFIANCE).where(table.empreinte == empreinte, table.retiree_le.is_(None))
    if not conn.execute(pose.values(retiree_le=instant)).rowcount:
        return (Constat("AUTORITE-INCONNUE", "empreinte", f"aucune autorité d'empreinte {empreinte}"),)
    bump(conn, Generation.CONFIANCE)
    return ()


def list_autorites(conn: Connection) -> tuple[AutoriteConfiance, ...]:
    """Those in force, by name."""
    table = AUTORITE_CONFIANCE.c
    query = select(AUTORITE_CONFIANCE).where(table.retiree_le.is_(None)).order_by(table.nom, table.empreinte)
    return tuple(_autorite(row) for row in conn.execute(query))


def keep_lcr(
    conn: Connection, autorite: AutoriteConfiance, der: bytes, *, instant: datetime
) -> tuple[Constat, ...]:
    """Keep a list of this authority; or say why not, and keep that: not a list, of another, older, ended."""
    lcr = read_lcr(der)
    if lcr is None:
        return refuse_lcr(conn, autorite, "ce n'est pas une liste de révocation lisible")
    if not is_signed_by(lcr, autorite.certificat):
        return refuse_lcr(conn, autorite, "la liste n'est pas signée par cette autorité")
    # A former list replayed would forget those revoked since.
    if autorite.lcr is not None and lcr.publiee_le < autorite.lcr.publiee_le:
        return refuse_lcr(conn, autorite, "la liste est plus ancienne que celle qui est gardée")
    if lcr.prochaine_le is not None and lcr.prochaine_le < instant:
        return refuse_lcr(conn, autorite, f"la liste n'est plus à jour depuis le {lcr.prochaine_le:%d/%m/%Y}")
    conn.execute(
        update(AUTORITE_CONFIANCE)
        .where(AUTORITE_CONFIANCE.c.empreinte == autorite.certificat.empreinte)
        .values(
            lcr=der,
            lcr_publiee_le=lcr.publiee_le,
            lcr_prochaine_le=lcr.prochaine_le,
            lcr_obtenue_le=instant,
            lcr_erreur="",
        )
    )
    bump(conn, Generation.CONFIANCE)
    return ()


def refuse_lcr(conn: Connection, autorite: AutoriteConfiance, erreur: str) -> tuple[Constat, ...]:
    """Keep why the last attempt failed; the list that was kept stays."""
    conn.execute(
        update(AUTORITE_CONFIANCE)
        .where(AUTORITE_CONFIANCE.c.empreinte == autorite.certificat.empreinte)
        .values(lcr_erreur=erreur)
    )
    return (Constat("LCR-REFUSEE", "lcr", erreur),)


@dataclass(frozen=True, slots=True)
class Confiance:
    """What judges the certificates of partners at an explicit instant.

    autorites: those known. grace: how long what is stale still counts, and how long an authority just added
    may be without its first list.
    """

    autorites: tuple[AutoriteConfiance, ...]
    revocation: Revocation
    grace: timedelta

    def judge(
        self,
        certificat: Certificat,
        *,
        at: datetime,
        profil: Profil = PAR_DEFAUT,
        reponses: tuple[ReponseOcsp, ...] = (),
        connu_le: datetime | None = None,
    ) -> Verdict:
        """The verdict on its path and its revocation; without an anchor, the pin decides alone.

        reponses: of OCSP, about it. connu_le: when it was registered: no responder could be asked before.

        A list that the operator gave for an authority is demanded of what that authority issued, whether or
        not the certificate says where it is published. EMETTEUR_INCONNU: no authority trusted issued it.
        """
        ancres = [each.certificat for each in self.autorites if each.ancre]
        if not ancres:
            return Verdict(Motif.EMETTEUR_INCONNU, "Aucune autorité n'est déclarée.")
        revocation = replace(self.revocation, ocsp=reponses)
        if revocation.exigence is not Exigence.AUCUNE and self._has_list(certificat):
            revocation = replace(revocation, feuille=Exigence.EXIGEE)
        verdict = validate(
            certificat,
            [each.certificat for each in self.autorites if not each.ancre],
            Ancres.of(ancres),
            at=at,
            revocation=revocation,
            profil=profil,
        )
        if verdict.motif is Motif.REVOCATION_INDETERMINEE and at < self._first_answers_until(
            certificat, connu_le
        ):
            # Nothing could be fetched yet: the path counts alone, for as long as a list may be late.
            return self._without_revocation(certificat, ancres, at, profil)
        return verdict

    def next_change(
        self,
        certificat: Certificat,
        at: datetime,
        reponses: tuple[ReponseOcsp, ...] = (),
        connu_le: datetime | None = None,
    ) -> datetime:
        """The first instant after `at` when the verdict may be another one, with the same authorities."""
        moments = [certificat.valide_du, certificat.valide_au]
        moments += [self._first_answers_until(certificat, connu_le)]
        for autorite in self.autorites:
            moments += [autorite.certificat.valide_du, autorite.certificat.valide_au]
        moments += [
            until + self.grace
            for until in (
                *(each.prochaine_le for each in self.revocation.lcr),
                *(each.prochaine_le for each in reponses),
            )
            if until is not None
        ]
        # The bounds are included: what ends is told one second later.
        later = [moment + _SECONDE for moment in moments if moment + _SECONDE > at]
        return min([at + PERIODE, *later])

    def is_usable(self, certificat: Certificat, reponse: ReponseOcsp, *, at: datetime) -> bool:
        """Whether a response says, at that instant, good or revoked of this certificate, and was signed by
        its authority or by whom that authority delegated."""
        demanded = Revocation(Exigence.AUCUNE, ocsp=(reponse,), feuille=Exigence.EXIGEE)
        ancres = [each.certificat for each in self.autorites if each.ancre]
        others = [each.certificat for each in self.autorites if not each.ancre]
        if not ancres:
            return False
        verdict = validate(certificat, others, Ancres.of(ancres), at=at, revocation=demanded)
        return verdict.motif in {Motif.VALIDE, Motif.REVOQUE}

    def _has_list(self, certificat: Certificat) -> bool:
        return any(
            each.certificat.sujet == certificat.emetteur and (each.lcr_url or each.lcr is not None)
            for each in self.autorites
        )

    def responder_of(self, certificat: Certificat) -> AutoriteConfiance | None:
        """The authority of which the operator gave a responder, among those of the issuer's name."""
        return next(
            (
                each
                for each in self.autorites
                if each.ocsp_url and each.certificat.sujet == certificat.emetteur
            ),
            None,
        )

    def _first_answers_until(self, certificat: Certificat, connu_le: datetime | None) -> datetime:
        waiting = [each.ajoutee_le for each in self.autorites if each.lcr is None]
        if connu_le is not None and self.responder_of(certificat) is not None:
            waiting.append(connu_le)
        return max(waiting) + self.grace if waiting else _JAMAIS

    def _without_revocation(
        self, certificat: Certificat, ancres: list[Certificat], at: datetime, profil: Profil
    ) -> Verdict:
        others = [each.certificat for each in self.autorites if not each.ancre]
        return validate(certificat, others, Ancres.of(ancres), at=at, profil=profil)


def load_confiance(
    conn: Connection, *, exigence: Exigence = Exigence.SI_DECLAREE, grace: timedelta = GRACE
) -> Confiance:
    """The authorities in force with the lists kept."""
    known = list_autorites(conn)
    lists = tuple(each.lcr for each in known if each.lcr is not None)
    return Confiance(known, Revocation(exigence, lists, grace=grace), grace)


def _autorite(row: Row[Any]) -> AutoriteConfiance:
    lu = read_certificat(row.pem.encode("ascii"))
    assert isinstance(lu, Certificat)
    return AutoriteConfiance(
        lu,
        row.ancre,
        row.lcr_url,
        row.ajoutee_le,
        None if row.lcr is None else read_lcr(row.lcr),
        row.lcr_obtenue_le,
        row.lcr_erreur,
        row.ocsp_url,
    )
