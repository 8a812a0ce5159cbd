"""Recognising people: passwords, telephones, certificates, invitations; and whoever tries to be another."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta

import aiohttp
import pyotp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from certs.autorite import create_autorite
from certs.lecture import Certificat, read_certificat
from console.certificats_lies import find_compte_of, judge, link_certificat, list_epingles, unlink_certificat
from console.comptes import invite, list_comptes
from console.freins import ADRESSE, APPAREIL, COMPTE
from console.profils import ProfilCompte
from console.secrets_compte import check_password, check_totp, hash_password, refusal_of_password
from console.securite import COOKIE, COOKIE_APPAREIL, local_path
from registry.clock import FixedClock
from registry.traces import record_command
from tests.console.monde import AILLEURS, AUTRE, NOTRE
from tests.console.navigateur import Navigateur, Page, Qui

MOT_DE_PASSE = "trois petits cochons"
UN_JOUR = timedelta(days=1)
AGENT: Qui = (ProfilCompte.GUICHET, NOTRE)
GESTIONNAIRE: Qui = (ProfilCompte.GESTIONNAIRE, "059")
EXPLOITANT: Qui = (ProfilCompte.EXPLOITANT, "")


class Titulaire:
    """The holder of an account, with his password, his telephone and his codes."""

    def __init__(self, console: Navigateur, courriel: str, secret: str, codes: list[str]) -> None:
        self.console = console
        self.courriel = courriel
        self.secret = secret
        self.codes = codes

    def code(self) -> str:
        """What his telephone shows now."""
        return pyotp.TOTP(self.secret).at(self.console.services.clock.now())

    async def enter(
        self, mot_de_passe: str = MOT_DE_PASSE, code: str | None = None, appareil: str = "", suite: str = ""
    ) -> Page:
        champs = {
            "courriel": self.courriel,
            "mot_de_passe": mot_de_passe,
            "code": self.code() if code is None else code,
            "suite": suite,
        }
        cookies = {COOKIE_APPAREIL: appareil} if appareil else None
        return await self.console.post("/connexion", champs, cookies=cookies)


def change(console: Navigateur, valeur: str, courriel: str) -> None:
    with console.services.engine.begin() as conn:
        conn.execute(text(f"UPDATE compte SET {valeur} WHERE courriel = :c"), {"c": courriel})


async def accept(console: Navigateur, jeton: str) -> Titulaire:
    """Follow an invitation to its end."""
    page = await console.get(f"/invitation/{jeton}")
    assert page.statut == 200
    secret = re.sub(r"\s", "", re.findall(r"console-secret\">([A-Z2-7 ]+)<", page.html)[0])
    champs = {
        "mot_de_passe": MOT_DE_PASSE,
        "confirmation": MOT_DE_PASSE,
        "code": pyotp.TOTP(secret).at(console.services.clock.now()),
    }
    done = await console.post(f"/invitation/{jeton}", champs)
    assert done.statut == 200, done.texte
    courriel = re.findall(r"Compte <strong>([^<]+)<", page.html)[0]
    return Titulaire(console, courriel, secret, re.findall(r"console-secret\">([a-z0-9-]+)<", done.html))


@pytest.fixture
async def titulaire(console: Navigateur, clock: FixedClock) -> Titulaire:
    """The agent of NOTRE, who has accepted his invitation."""
    with console.services.engine.begin() as conn:
        jeton = invite(conn, console.services.coffre, console.monde.comptes[AGENT], instant=clock.now())
    holder = await accept(console, jeton)
    clock.advance(timedelta(seconds=90))
    return holder


async def test_a_password_and_a_code_open_a_session(titulaire: Titulaire, console: Navigateur) -> None:
    """[CSL-31] [CSL-37]"""
    page = await titulaire.enter(suite="/comptes?page=2")
    assert (page.statut, page.entetes["Location"]) == (303, "/comptes?page=2")
    again = await console.ask("GET", "/", cookies={COOKIE: page.cookies[COOKIE]})
    assert again.statut == 200


async def test_every_wrong_pair_has_the_same_answer(titulaire: Titulaire, console: Navigateur) -> None:
    """[CSL-31] Unknown address, closed account, no password yet, wrong password, wrong code."""
    inconnu = Titulaire(console, "personne@exemple.fr", titulaire.secret, [])
    sans = Titulaire(console, "guichet.g0592@exemple.fr", titulaire.secret, [])
    pages = [
        await inconnu.enter(),
        await sans.enter(),
        await titulaire.enter(mot_de_passe="trois petits cochon"),
        await titulaire.enter(code="000000"),
        await titulaire.enter(code=""),
    ]
    with console.services.engine.begin() as conn:
        conn.execute(
            text("UPDATE compte SET ferme_le = now() WHERE courriel = :c"), {"c": titulaire.courriel}
        )
    pages.append(await titulaire.enter())
    assert {page.statut for page in pages} == {422}
    texts = {re.sub(r"[\w.]+@exemple.fr", "", re.sub(r'value="[^"]*"', "", page.html)) for page in pages}
    assert len(texts) == 1
    assert "CON111" in texts.pop()


async def test_a_code_serves_once(titulaire: Titulaire, clock: FixedClock) -> None:
    """[CSL-32] Of the telephone, of another time step too, or of those kept on paper."""
    code = titulaire.code()
    assert (await titulaire.enter(code=code)).statut == 303
    assert (await titulaire.enter(code=code)).statut == 422
    clock.advance(timedelta(seconds=30))
    assert (await titulaire.enter(code=code)).statut == 422
    assert (await titulaire.enter()).statut == 303
    secours = titulaire.codes[3]
    assert len(titulaire.codes) == 10
    assert (await titulaire.enter(code=secours.upper().replace("-", " "))).statut == 303
    assert (await titulaire.enter(code=secours)).statut == 422


async def test_two_simultaneous_uses_of_a_code_open_one_session(titulaire: Titulaire) -> None:
    """[CSL-32]"""
    code = titulaire.code()
    pages = await asyncio.gather(*(titulaire.enter(code=code) for _ in range(4)))
    assert sorted(page.statut for page in pages) == [303, 422, 422, 422]


async def test_failures_wait_and_the_wait_is_not_lengthened_by_trying(
    titulaire: Titulaire, clock: FixedClock
) -> None:
    """[CSL-33]"""
    for _ in range(COMPTE.libres):
        assert "CON111" in (await titulaire.enter(mot_de_passe="faux")).texte
    for _ in range(3):
        assert "CON112" in (await titulaire.enter()).texte
    clock.advance(COMPTE.pas)
    assert (await titulaire.enter()).statut == 303
    # Success forgets.
    assert "CON111" in (await titulaire.enter(mot_de_passe="faux")).texte


async def test_strangers_do_not_keep_the_holder_out(titulaire: Titulaire, clock: FixedClock) -> None:
    """[CSL-33] His usual browser is counted apart; another one waits a quarter of an hour at most."""
    appareil = (await titulaire.enter()).cookies[COOKIE_APPAREIL]
    for _ in range(20):
        page = await titulaire.enter(mot_de_passe="faux")
        if "CON112" in page.texte:
            clock.advance(timedelta(seconds=30))
    assert "CON112" in (await titulaire.enter()).texte
    assert (await titulaire.enter(appareil=appareil)).statut == 303
    clock.advance(COMPTE.plafond)
    assert (await titulaire.enter()).statut == 303


async def test_a_browser_known_to_an_account_is_a_stranger_to_another(
    titulaire: Titulaire, console: Navigateur
) -> None:
    """[CSL-33] Having an account gives no more tries on those of others."""
    appareil = (await titulaire.enter()).cookies[COOKIE_APPAREIL]
    autre = Titulaire(console, "guichet.g0592@exemple.fr", titulaire.secret, [])
    pages = [await autre.enter(appareil=appareil) for _ in range(COMPTE.libres + 1)]
    assert "CON112" in pages[-1].texte


async def test_one_machine_does_not_try_every_account(console: Navigateur) -> None:
    """[CSL-33]"""
    last = None
    for rank in range(ADRESSE.libres + 1):
        last = await Titulaire(console, f"compte{rank}@exemple.fr", pyotp.random_base32(), []).enter()
    assert last is not None
    assert "CON112" in last.texte


@pytest.mark.parametrize("frein", [COMPTE, APPAREIL, ADRESSE])
def test_waits_grow_to_a_bound(frein) -> None:  # type: ignore[no-untyped-def]
    waits = [frein.wait(echecs) for echecs in range(1, 200)]
    assert waits == sorted(waits)
    assert waits[frein.libres - 2] == timedelta()
    assert waits[-1] == frein.plafond


async def test_an_account_opens_nothing_until_certified_and_not_for_ever(
    titulaire: Titulaire, console: Navigateur, clock: FixedClock
) -> None:
    """[CSL-35] An open session ends with the certification."""
    with console.services.engine.begin() as conn:
        conn.execute(
            text("UPDATE compte SET certifie_le = NULL WHERE courriel = :c"), {"c": titulaire.courriel}
        )
    assert "CON113" in (await titulaire.enter()).texte
    clock.advance(timedelta(seconds=60))
    page = await console.post(f"/comptes/{console.monde.comptes[AGENT]}/certifier", {}, GESTIONNAIRE)
    assert page.statut == 303
    days = console.services.reglages.certification
    clock.advance(timedelta(days=days) - timedelta(minutes=10))
    page = await titulaire.enter()
    assert page.statut == 303
    cookies = {COOKIE: page.cookies[COOKIE]}
    assert (await console.ask("GET", "/", cookies=cookies)).statut == 200
    clock.advance(timedelta(minutes=10))
    assert (await console.ask("GET", "/", cookies=cookies)).statut == 303
    assert "CON113" in (await titulaire.enter()).texte


async def test_nobody_certifies_or_closes_himself(console: Navigateur) -> None:
    """[CSL-35]"""
    own = console.monde.comptes[EXPLOITANT]
    for acte in ("certifier", "fermer"):
        page = await console.post(f"/comptes/{own}/{acte}", {}, EXPLOITANT)
        assert (page.statut, "CON116" in page.texte) == (403, True)


async def test_an_account_from_nothing_to_its_first_page(console: Navigateur, clock: FixedClock) -> None:
    """[CSL-30] [CSL-35] [CSL-36]"""
    champs = {"courriel": " Zoe@Exemple.FR ", "nom": "Zoé", "profil": "guichet", "guichet": NOTRE}
    page = await console.post("/comptes", champs, GESTIONNAIRE)
    assert page.statut == 200
    (jeton,) = re.findall(r"/invitation/([\w-]+)", page.html)
    holder = await accept(console, jeton)
    assert holder.courriel == "zoe@exemple.fr"
    clock.advance(timedelta(minutes=1))
    assert "CON113" in (await holder.enter()).texte
    with console.services.engine.begin() as conn:
        (compte,) = [each for each in list_comptes(conn) if each.courriel == holder.courriel]
    page = await console.post(f"/comptes/{compte.id}/certifier", {}, GESTIONNAIRE)
    clock.advance(timedelta(minutes=1))
    assert (await holder.enter()).statut == 303
    again = await console.post("/comptes", champs, GESTIONNAIRE)
    assert (again.statut, "a déjà un compte" in again.texte) == (422, True)


@pytest.mark.parametrize(
    "champs",
    [
        {"profil": "exploitant"},
        {"profil": "gestionnaire", "territoires": "059"},
        {"guichet": AILLEURS},
        {"guichet": "G9999"},
        {"guichet": ""},
        {"courriel": "pas une adresse"},
        {"nom": "a\r\nb"},
    ],
)
async def test_a_gestionnaire_gives_no_more_than_he_has(console: Navigateur, champs: dict[str, str]) -> None:
    """[CSL-30]"""
    valid = {"courriel": "zoe@exemple.fr", "nom": "Zoé", "profil": "guichet", "guichet": AUTRE}
    page = await console.post("/comptes", {**valid, **champs}, GESTIONNAIRE)
    assert page.statut == 422
    with console.services.engine.begin() as conn:
        assert "zoe@exemple.fr" not in {each.courriel for each in list_comptes(conn)}


async def test_an_invitation_serves_once_for_three_days(console: Navigateur, clock: FixedClock) -> None:
    """[CSL-36] Opening the link is not using it; another link replaces it."""
    compte = console.monde.comptes[AGENT]
    engine = console.services.engine
    with engine.begin() as conn:
        first = invite(conn, console.services.coffre, compte, instant=clock.now())
        second = invite(conn, console.services.coffre, compte, instant=clock.now())
    assert (await console.get(f"/invitation/{first}")).statut == 410
    assert (await console.get(f"/invitation/{second}")).statut == 200
    champs = {"mot_de_passe": MOT_DE_PASSE, "confirmation": MOT_DE_PASSE, "code": "000000"}
    assert (await console.post(f"/invitation/{second}", champs)).statut == 422
    await accept(console, second)
    assert (await console.get(f"/invitation/{second}")).statut == 410
    with engine.begin() as conn:
        third = invite(conn, console.services.coffre, compte, instant=clock.now())
    clock.advance(timedelta(hours=72))
    page = await console.get(f"/invitation/{third}")
    assert (page.statut, "CON114" in page.texte) == (410, True)


async def test_accepting_an_invitation_closes_the_sessions(console: Navigateur, clock: FixedClock) -> None:
    """[CSL-36]"""
    assert (await console.get("/", AGENT)).statut == 200
    with console.services.engine.begin() as conn:
        jeton = invite(conn, console.services.coffre, console.monde.comptes[AGENT], instant=clock.now())
    await accept(console, jeton)
    assert (await console.get("/", AGENT)).statut == 303


async def test_signing_in_never_keeps_a_session_that_was_there(
    titulaire: Titulaire, console: Navigateur
) -> None:
    """[CSL-37] Session fixation: the token that the browser had opens nothing new, and its session ends."""
    planted = console.token(EXPLOITANT)
    champs = {"courriel": titulaire.courriel, "mot_de_passe": MOT_DE_PASSE, "code": titulaire.code()}
    page = await console.post("/connexion", champs, EXPLOITANT)
    assert page.statut == 303
    assert page.cookies[COOKIE] != planted
    assert (await console.ask("GET", "/", cookies={COOKIE: planted})).statut == 303
    invented = await console.ask("GET", "/", cookies={COOKIE: "jeton-choisi-par-un-autre"})
    assert invented.statut == 303


@pytest.mark.parametrize(
    "suite",
    [
        "https://ailleurs.example/",
        "//ailleurs.example",
        "/\\ailleurs.example",
        "\t//x",
        "javascript:x",
        "/\n/x",
    ],
)
async def test_nobody_is_sent_elsewhere(titulaire: Titulaire, suite: str) -> None:
    """[CSL-37]"""
    page = await titulaire.enter(suite=suite)
    assert (page.statut, page.entetes["Location"]) == (303, "/")
    assert local_path(suite) == "/"


async def test_a_password_is_changed_with_the_one_that_was(
    titulaire: Titulaire, console: Navigateur, clock: FixedClock
) -> None:
    page = await titulaire.enter()
    cookies = {COOKIE: page.cookies[COOKIE]}
    clock.advance(timedelta(minutes=1))
    champs = {"nouveau": "le quatrième cochon", "confirmation": "le quatrième cochon", "ancien": "faux"}
    refused = await console.post(
        "/mon-compte/mot-de-passe", {**champs, "code": titulaire.code()}, cookies=cookies
    )
    assert refused.statut == 422
    done = await console.post(
        "/mon-compte/mot-de-passe",
        {**champs, "ancien": MOT_DE_PASSE, "code": titulaire.code()},
        cookies=cookies,
    )
    assert "codes de secours" in done.texte
    clock.advance(timedelta(minutes=1))
    assert (await titulaire.enter()).statut == 422
    assert (await titulaire.enter("le quatrième cochon")).statut == 303


async def test_a_certificate_opens_the_account_it_is_tied_to(console: Navigateur, clock: FixedClock) -> None:
    """[CSL-34] And no other; one without account, or untied, opens nothing."""
    autorite = create_autorite(now=clock.now())
    lie = autorite.issue_guichet("AGENT", now=clock.now())
    compte = console.monde.comptes[AGENT]
    form = aiohttp.FormData()
    form.add_field("certificat", lie.certificat, filename="cert.pem")
    page = await console.post(f"/comptes/{compte}/certificats", form, GESTIONNAIRE)
    assert page.statut == 303, page.texte
    shown = await console.get(f"/comptes/{compte}", GESTIONNAIRE)
    (empreinte,) = re.findall(r'name="retirer" value="([0-9a-f]{64})"', shown.html)
    refused = await console.post("/connexion/certificat", {})
    assert "CON115" in refused.texte
    page = await console.post(f"/comptes/{compte}/certificats", {"retirer": empreinte}, GESTIONNAIRE)
    assert page.statut == 303
    shown = await console.get(f"/comptes/{compte}", GESTIONNAIRE)
    assert empreinte not in shown.html


@pytest.mark.parametrize(
    ("genre", "motif"), [("autorite", "AUTORITE"), ("serveur", "USAGE"), ("signature", "USAGE")]
)
def test_what_no_handshake_would_let_through_is_not_tied(clock: FixedClock, genre: str, motif: str) -> None:
    """[CSL-34] That of an authority, of a server, or of a card that only signs documents."""
    lu = read_certificat(unusable(genre, clock.now()))
    assert isinstance(lu, Certificat)
    assert judge(lu, clock.now()).motif == motif


def unusable(genre: str, now: datetime) -> bytes:
    """A certificate, PEM, that OpenSSL refuses to a client of TLS."""
    autorite = create_autorite(now=now)
    if genre == "autorite":
        return autorite.certificat.public_bytes(Encoding.PEM)
    if genre == "serveur":
        return autorite.issue_serveur(now=now).certificat
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Zoé")])
    usages = dict.fromkeys(
        (
            *("digital_signature", "key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + UN_JOUR)
        .add_extension(x509.KeyUsage(content_commitment=True, **usages), critical=True)
        .sign(key, SHA256())
    )
    return built.public_bytes(Encoding.PEM)


async def test_a_tied_certificate_opens_from_its_first_day_to_its_last(
    console: Navigateur, clock: FixedClock
) -> None:
    """[CSL-34] One that is not valid yet may be tied, by whoever prepares the next one."""
    demain = clock.now() + UN_JOUR
    lie = create_autorite(now=demain).issue_guichet("AGENT", now=demain)
    lu = read_certificat(lie.certificat)
    assert isinstance(lu, Certificat)
    compte = console.monde.comptes[AGENT]
    with console.services.engine.begin() as conn:
        assert link_certificat(conn, compte, lie.certificat, instant=clock.now()) == ()
        for instant, expected in (
            (lu.valide_du - timedelta(seconds=1), None),
            (lu.valide_du, compte),
            (lu.valide_au, compte),
            (lu.valide_au + timedelta(seconds=1), None),
        ):
            assert find_compte_of(conn, lu.empreinte, instant=instant) == expected
        assert list_epingles(conn) == (lu.pem,)
        unlink_certificat(conn, compte, lu.empreinte)
        assert list_epingles(conn) == ()


async def test_no_provider_of_identity_unless_configured(console: Navigateur) -> None:
    """[CSL-42]"""
    assert "S’identifier" not in (await console.get("/connexion")).texte
    for path in ("/connexion/oidc", "/connexion/oidc/retour?code=x&state=x"):
        assert (await console.get(path)).statut == 404


async def test_readings_and_acts_are_consulted_within_the_perimeter(
    console: Navigateur, clock: FixedClock
) -> None:
    """[CSL-38]"""
    with console.services.engine.begin() as conn:
        for code in (NOTRE, AILLEURS):
            conn.execute(
                text(
                    "INSERT INTO trace_lecture (lue_le, guichet, certificat, profil, utilisateur, canal,"
                    " operation, numeros) VALUES (:i, :g, '', 'guichet', 'agent', 'soap', 'lire', :n)"
                ),
                {"i": clock.now(), "g": code, "n": [console.monde.demandes[code]]},
            )
        record_command(conn, "essai", "root", [console.monde.demandes[NOTRE]], instant=clock.now())
    await console.post("/deconnexion", {}, AGENT)
    await console.post("/deconnexion", {}, (ProfilCompte.GUICHET, AILLEURS))
    page = await console.get("/lectures", GESTIONNAIRE)
    assert console.monde.demandes[NOTRE] in page.texte
    assert console.monde.demandes[AILLEURS] not in page.texte
    page = await console.get(f"/lectures?numero={console.monde.demandes[NOTRE]}", (ProfilCompte.AUDITEUR, ""))
    assert "root" in page.texte
    assert console.monde.demandes[AILLEURS] not in page.texte
    actes = (await console.get("/actes", GESTIONNAIRE)).texte
    assert "guichet.g0591@exemple.fr" in actes
    assert "guichet.g1111@exemple.fr" not in actes
    assert "guichet.g1111@exemple.fr" in (await console.get("/actes", (ProfilCompte.AUDITEUR, ""))).texte


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("court", "12"),
        ("a" * 12, "répète"),
        ("zoe-1234567890", "nom"),
        ("x" * 129, "128"),
        (MOT_DE_PASSE, ""),
    ],
)
def test_what_a_password_must_be(password: str, word: str) -> None:
    found = refusal_of_password(password, "zoe@exemple.fr")
    assert word in found
    assert bool(found) == bool(word)


def test_secrets_are_kept_as_they_should_be(clock: FixedClock) -> None:
    """[CSL-31] [CSL-32]"""
    kept = hash_password(MOT_DE_PASSE)
    assert kept.startswith("$argon2id$")
    assert check_password(kept, MOT_DE_PASSE)
    assert not check_password(kept, MOT_DE_PASSE + " ")
    assert not check_password(None, MOT_DE_PASSE)
    assert not check_password("pas un condensat", MOT_DE_PASSE)
    secret = pyotp.random_base32()
    now = clock.now()
    code = pyotp.TOTP(secret).at(now)
    step = check_totp(secret, code, None, instant=now)
    assert step is not None
    assert check_totp(secret, code, step, instant=now) is None
    assert check_totp(secret, code, None, instant=now + timedelta(seconds=90)) is None
    assert check_totp(None, code, None, instant=now) is None
