"""The console as an aiohttp application: from a request to a page, in a fixed order.

Size, form, proof against forgery; then in a thread and one transaction: session, right to the page, right to
the thing named, handler, rendering; then what was read and done is written; only then the answer leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import quote, unquote

from aiohttp import ClientPayloadError, web
from multidict import MultiDict, MultiDictProxy, MultiMapping
from sqlalchemy import Connection

from console import anomalies
from console.acces import check_objet, check_page
from console.agent import Agent
from console.journal_actes import record_acte, record_reading
from console.oidc.depart import DUREE
from console.rendu import Moteur
from console.securite import (
    CHAMP_JETON,
    COOKIE,
    COOKIE_APPAREIL,
    COOKIE_AVANT,
    COOKIE_DEPART,
    ENTETES,
    check_jeton,
    new_secret,
    same_origin,
)
from console.services import Services
from console.sessions import Session, find_session, touch
from console.statique import PREFIXE, load_statique
from console.table import Methode, Objet, Page, load_table
from console.vue import Contenu, Envoi, Redirection, Refus, Rendu, Reponse, Telechargement, Vue
from registry.anomalies import Anomalie
from soap.connexions import Runner, report
from soap.correlation import ENTETE, new_id

_COOKIE_MESSAGE: Final = "__Host-console-message"
_CONNEXION: Final = "session.connexion"
_ERREUR: Final = "erreur.html"
_HTML: Final = "text/html; charset=utf-8"
_CORPS_MAX: Final = 64 << 20
_DELAI_CORPS: Final = 30.0
_UN_AN: Final = 365 * 86_400
_COMPRIME_DES: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Recu:
    """What a request says, read once."""

    echange: uuid.UUID
    maintenant: datetime
    parametres: dict[str, str]
    question: MultiMapping[str]
    champs: MultiDictProxy[str]
    envois: dict[str, Envoi]
    partielle: bool
    chemin: str
    jeton: str
    avant: str
    appareil: str
    depart: str
    adresse: str
    certificat: str
    navigateur: str
    message: str

    @property
    def secret(self) -> str:
        """The cookie that the forms are made for."""
        return self.jeton or self.avant


@dataclass(frozen=True, slots=True)
class _Suite:
    """What leaves: a text, a file, or elsewhere."""

    reponse: Reponse
    texte: str = ""


class _Defaut(Exception):
    """A request refused before its page is asked for anything."""

    def __init__(self, anomalie: Anomalie, statut: int, agent: Agent | None = None) -> None:
        self.anomalie = anomalie
        self.statut = statut
        self.agent = agent
        super().__init__(anomalie.code)


class Console:
    """One console: the table of pages, and what each request goes through."""

    def __init__(self, services: Services, table: tuple[Page, ...]) -> None:
        self.services = services
        self.table = table
        self.statique = load_statique()
        self.moteur = Moteur(table, self.statique)

    async def serve(self, page: Page, request: web.Request) -> web.StreamResponse:
        """Answer one request to `page`."""
        recu = self._read_head(request)
        try:
            if page.methode is Methode.POST:
                recu = await self._read_form(page, request, recu)
            suite = await self._answer(page, recu)
        except _Defaut as refused:
            return self._refuse(refused.anomalie, refused.statut, recu, page, refused.agent)
        return self._send(suite, recu)

    async def serve_unknown(self, request: web.Request) -> web.StreamResponse:
        """Answer an address, or a method, that no page has."""
        recu = self._read_head(request)
        known = {route.method for route in request.app.router.routes() if _matches(route, request.path)}
        if known - {"*"}:
            return self._refuse(anomalies.METHODE_REFUSEE(request.method[:20]), 405, recu, None)
        return self._refuse(anomalies.INTROUVABLE(), 404, recu, None)

    @web.middleware
    async def protect(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Headers on every answer; whatever fails inside leaves as a page without internals."""
        try:
            answer = await handler(request)
        except web.HTTPNotFound:
            answer = self._refuse(anomalies.INTROUVABLE(), 404, self._read_head(request), None)
        except Exception as error:  # noqa: BLE001 - the last line: whatever happened, the agent gets a page
            recu = self._read_head(request)
            report("erreur inattendue", error, str(recu.echange))
            answer = self._refuse(anomalies.ERREUR_INTERNE(), 500, recu, None)
        for name, value in ENTETES.items():
            answer.headers.setdefault(name, value)
        return answer

    def _read_head(self, request: web.Request) -> _Recu:
        maintenant = self.services.clock.now()
        cookies = request.cookies
        return _Recu(
            new_id(maintenant),
            maintenant,
            dict(request.match_info),
            request.query,
            MultiDictProxy(MultiDict()),
            {},
            request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full",
            request.path_qs,
            cookies.get(COOKIE, ""),
            cookies.get(COOKIE_AVANT, "") or new_secret(),
            cookies.get(COOKIE_APPAREIL, ""),
            cookies.get(COOKIE_DEPART, ""),
            request.remote or "",
            _fingerprint(request),
            request.headers.get("User-Agent", ""),
            unquote(cookies.get(_COOKIE_MESSAGE, "")),
        )

    async def _read_form(self, page: Page, request: web.Request, recu: _Recu) -> _Recu:
        """The fields of a form. Raises _Defaut when it is too large, unreadable or forged."""
        if request.content_length is None or request.content_length > page.taille_max:
            raise _Defaut(anomalies.TROP_VOLUMINEUX(attendu=str(page.taille_max)), 413)
        origine = self.services.reglages.url_publique or f"https://{request.host}"
        if not page.sans_effet and not same_origin(request.headers, origine):
            raise _Defaut(anomalies.FORMULAIRE_ETRANGER(), 403)
        champs: MultiDict[str] = MultiDict()
        envois: dict[str, Envoi] = {}
        try:
            async with asyncio.timeout(_DELAI_CORPS):
                posted = await request.post()
        except (TimeoutError, ConnectionError, ClientPayloadError, web.RequestPayloadError, ValueError):
            raise _Defaut(anomalies.FORMULAIRE_ILLISIBLE(), 400) from None
        for name, value in posted.items():
            if isinstance(value, str):
                champs.add(name, value)
            elif isinstance(value, web.FileField):
                envois[name] = Envoi(value.filename, value.file.read())
            elif value:
                # A field of file that nothing was chosen for comes as empty bytes without a name.
                raise _Defaut(anomalies.FORMULAIRE_ILLISIBLE(), 400)
        if not page.sans_effet and not check_jeton(recu.secret, champs.get(CHAMP_JETON, "")):
            raise _Defaut(anomalies.FORMULAIRE_ETRANGER(), 403)
        return replace(recu, champs=MultiDictProxy(champs), envois=envois)

    async def _answer(self, page: Page, recu: _Recu) -> _Suite:
        if not inspect.iscoroutinefunction(page.traite):
            return await asyncio.to_thread(self._answer_in_thread, page, recu)
        vue, session = await asyncio.to_thread(self._open, page, recu)
        reponse = await page.traite(vue)
        return await asyncio.to_thread(self._conclude, page, recu, vue, session, reponse)

    def _answer_in_thread(self, page: Page, recu: _Recu) -> _Suite:
        with self._connect(page) as conn:
            session = find_session(conn, recu.jeton, self.services.reglages, instant=recu.maintenant)
            vue = self._view(conn, page, recu, session)
            reponse = page.traite(vue)
            assert not isinstance(reponse, Awaitable)
            suite = self._render(vue, recu, reponse)
            if _changes(page) and not isinstance(reponse, Refus):
                self._record(conn, page, recu, vue, session, reponse)
                conn.commit()
                return suite
        with self.services.engine.begin() as conn:
            self._record(conn, page, recu, vue, session, reponse)
        return suite

    def _open(self, page: Page, recu: _Recu) -> tuple[Vue, Session | None]:
        with self._connect(page) as conn:
            session = find_session(conn, recu.jeton, self.services.reglages, instant=recu.maintenant)
            return replace(self._view(conn, page, recu, session), connexion=None), session

    def _conclude(
        self, page: Page, recu: _Recu, vue: Vue, session: Session | None, reponse: Reponse
    ) -> _Suite:
        suite = self._render(vue, recu, reponse)
        with self.services.engine.begin() as conn:
            self._record(conn, page, recu, vue, session, reponse)
        return suite

    def _connect(self, page: Page) -> Connection:
        conn = self.services.engine.connect()
        if not _changes(page):
            conn = conn.execution_options(postgresql_readonly=True)
        return conn

    def _view(self, conn: Connection, page: Page, recu: _Recu, session: Session | None) -> Vue:
        """The request with its rights. Raises _Defaut when the account may not."""
        perimetre = None
        if not page.publique:
            if session is None:
                raise _Defaut(anomalies.SANS_SESSION(), 401)
            checked = check_page(page, session.agent)
            if isinstance(checked, Anomalie):
                raise _Defaut(checked, 403, session.agent)
            perimetre = checked
            refused = check_objet(conn, page, perimetre, recu.parametres)
            if refused is not None:
                raise _Defaut(refused, 404, session.agent)
        return Vue(
            page=page,
            services=self.services,
            url=self.moteur.url,
            maintenant=recu.maintenant,
            visiteur=None if session is None else session.agent,
            portee=perimetre,
            connexion=conn,
            parametres=recu.parametres,
            question=recu.question,
            champs=recu.champs,
            envois=recu.envois,
            partielle=recu.partielle,
            adresse=recu.adresse,
            jeton=recu.jeton,
            avant=recu.avant,
            appareil=recu.appareil,
            depart=recu.depart,
            echange=recu.echange,
            certificat=recu.certificat,
            navigateur=recu.navigateur,
        )

    def _render(self, vue: Vue, recu: _Recu, reponse: Reponse) -> _Suite:
        match reponse:
            case Rendu():
                text = self.moteur.render(
                    reponse.modele,
                    {"vue": vue, **reponse.valeurs},
                    page=vue.page,
                    agent=None if reponse.ferme else vue.visiteur,
                    secret=recu.secret,
                    message=recu.message,
                    bloc=reponse.bloc if recu.partielle else "",
                )
                return _Suite(reponse, text)
            case Refus():
                text = self._error_text(reponse.anomalie, recu, vue.page, vue.visiteur)
                return _Suite(reponse, text)
            case _:
                return _Suite(reponse)

    def _record(
        self, conn: Connection, page: Page, recu: _Recu, vue: Vue, session: Session | None, reponse: Reponse
    ) -> None:
        """What was read, what was done, and that the session is in use: before the answer leaves."""
        if session is None:
            return
        if session.perimee:
            touch(conn, session, instant=recu.maintenant)
        if (vue.lus or vue.messages or vue.objets) and not isinstance(reponse, Refus):
            record_reading(
                conn,
                session.agent,
                page.trace,
                vue.lus,
                instant=recu.maintenant,
                message=vue.messages[0] if vue.messages else None,
                objet=" ; ".join(vue.objets),
            )
        if _changes(page):
            objet = "" if page.objet is Objet.AUCUN else recu.parametres[page.objet.value]
            refus = _refused(reponse)
            record_acte(conn, session.agent, page.trace, objet, recu.echange, refus, instant=recu.maintenant)

    def _error_text(self, anomalie: Anomalie, recu: _Recu, page: Page | None, agent: Agent | None) -> str:
        values: dict[str, object] = {"anomalie": anomalie, "echange": str(recu.echange)}
        return self.moteur.render(
            _ERREUR,
            values,
            page=page,
            agent=agent,
            secret=recu.secret,
            bloc="alerte" if recu.partielle else "",
        )

    def _refuse(
        self, anomalie: Anomalie, statut: int, recu: _Recu, page: Page | None, agent: Agent | None = None
    ) -> web.StreamResponse:
        if statut == 401 and page is not None and page.methode is Methode.GET:
            suite = recu.chemin if not recu.partielle else ""
            return self._send(_Suite(Redirection(self.moteur.url(_CONNEXION, suite=suite))), recu)
        text = self._error_text(anomalie, recu, page, agent)
        return self._send(_Suite(Refus(anomalie, statut), text), recu)

    def _send(self, suite: _Suite, recu: _Recu) -> web.StreamResponse:
        match suite.reponse:
            case Redirection():
                answer = _redirect(suite.reponse, recu)
            case Telechargement(nom, type_mime, octets):
                answer = web.Response(body=octets, headers={"Content-Type": type_mime})
                answer.headers["Content-Disposition"] = _disposition(nom)
            case Contenu(type_mime, octets, statut, ailleurs):
                answer = web.Response(status=statut, body=octets, headers={"Content-Type": type_mime})
                if ailleurs:
                    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            case Rendu(statut=statut) | Refus(statut=statut):
                answer = web.Response(
                    status=statut, body=suite.texte.encode(), headers={"Content-Type": _HTML}
                )
                if recu.message and isinstance(suite.reponse, Rendu) and not recu.partielle:
                    _delete_cookie(answer, _COOKIE_MESSAGE)
                if isinstance(suite.reponse, Rendu) and suite.reponse.ferme:
                    _delete_cookie(answer, COOKIE)
        if not recu.jeton:
            _set_cookie(answer, COOKIE_AVANT, recu.avant)
        if answer.body is not None and len(suite.texte) > _COMPRIME_DES:
            answer.enable_compression()
        answer.headers["Vary"] = "Accept-Encoding, Cookie, HX-Request"
        answer.headers[ENTETE] = str(recu.echange)
        return answer


def create_console(services: Services, *, table: tuple[Page, ...] | None = None) -> web.Application:
    """The application of the console; run it with `create_console_runner`.

    table: that of console/pages unless a test gives another.

    Raises ValueError for a table that does not hold.
    """
    console = Console(services, table or load_table())
    app = web.Application(client_max_size=_CORPS_MAX, middlewares=[console.protect])
    app.router.add_get(PREFIXE + "{nom}", console.statique.serve)
    for page in console.table:
        app.router.add_route(page.methode.value, page.chemin, partial(console.serve, page))
        if page.methode is Methode.GET:
            app.router.add_route("HEAD", page.chemin, partial(console.serve, page))
    app.router.add_route("*", "/{reste:.*}", console.serve_unknown)
    app[SERVICES] = services
    app.on_cleanup.append(_close_bancs)
    return app


async def _close_bancs(app: web.Application) -> None:
    app[SERVICES].bancs.close()


def create_console_runner(app: web.Application) -> web.AppRunner:
    """A runner whose connections refuse what is not HTTP in our words (soap.connexions)."""
    return Runner(app, app[SERVICES].clock)


SERVICES: Final = web.AppKey("services", Services)


def _matches(route: web.AbstractRoute, path: str) -> bool:
    resource = route.resource
    return resource is not None and resource.canonical != "/{reste}" and _reaches(resource, path)


def _reaches(resource: web.AbstractResource, path: str) -> bool:
    # The only public way to try a resource on a path is to resolve a request; its pattern tells as much.
    info = resource.get_info()
    pattern = info.get("pattern")
    return bool(pattern.fullmatch(path)) if pattern is not None else info.get("path") == path


def _changes(page: Page) -> bool:
    return page.methode is Methode.POST and not page.sans_effet


def _refused(reponse: Reponse) -> str:
    """The code of what refuses; for a form shown again with its errors, the status alone."""
    if isinstance(reponse, Rendu):
        return str(reponse.statut) if reponse.statut >= 400 else ""
    return reponse.anomalie.code if isinstance(reponse, Refus) else ""


def _redirect(reponse: Redirection, recu: _Recu) -> web.Response:
    assert reponse.externe or (reponse.vers.startswith("/") and not reponse.vers.startswith("//"))
    answer = web.Response(status=303, headers={"Location": reponse.vers})
    if recu.partielle:
        # A script follows a redirection by itself: htmx is told to open the page instead.
        answer = web.Response(status=200, headers={"HX-Redirect": reponse.vers})
    if reponse.ouvre:
        _set_cookie(answer, COOKIE, reponse.ouvre)
        _delete_cookie(answer, COOKIE_AVANT)
        if recu.depart:
            _delete_cookie(answer, COOKIE_DEPART)
    if reponse.depart:
        _set_cookie(answer, COOKIE_DEPART, reponse.depart, max_age=int(DUREE.total_seconds()))
    if reponse.appareil:
        _set_cookie(answer, COOKIE_APPAREIL, reponse.appareil, max_age=_UN_AN)
    if reponse.ferme:
        _delete_cookie(answer, COOKIE)
    if reponse.message:
        _set_cookie(answer, _COOKIE_MESSAGE, quote(reponse.message))
    return answer


def _set_cookie(answer: web.StreamResponse, name: str, value: str, max_age: int | None = None) -> None:
    answer.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="Lax", max_age=max_age)


def _delete_cookie(answer: web.StreamResponse, name: str) -> None:
    answer.del_cookie(name, path="/", secure=True, httponly=True, samesite="Lax")


def _disposition(nom: str) -> str:
    """RFC 6266: an ASCII name without what a header or a path could read in it, then the whole name."""
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "_" for each in nom)
    return (
        f"attachment; filename=\"{plain.lstrip('.') or 'fichier'}\"; filename*=UTF-8''{quote(nom, safe='')}"
    )


def _fingerprint(request: web.Request) -> str:
    """SHA-256 of the client certificate of the connection, or empty when it presents none."""
    transport = request.transport
    ssl_object = None if transport is None else transport.get_extra_info("ssl_object")
    der = None if ssl_object is None else ssl_object.getpeercert(binary_form=True)
    return "" if der is None else hashlib.sha256(der).hexdigest()
