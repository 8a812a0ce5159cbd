"""Second factors sealed at rest: what a copy of the base gives, and how keys change."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from console.coffre import (
    CleAbsente,
    Coffre,
    CoffreIllisible,
    ScelleAltere,
    add_cle,
    create_cles,
    drop_cles,
)
from console.comptes import invite
from console.profils import ProfilCompte
from console.scellement import (
    CODE,
    SCELLES,
    TOTP,
    TOTP_INVITATION,
    count_by_key,
    erase_lost,
    seal_rows,
)
from console.secrets_compte import digest_code
from registry.clock import FixedClock
from registry.embedded import binaries
from tests.console.monde import AUTRE
from tests.console.navigateur import Navigateur
from tests.console.test_connexion import AGENT, Titulaire, accept

VOISIN = (ProfilCompte.GUICHET, AUTRE)


@pytest.fixture
async def titulaire(console: Navigateur, coffre: Coffre, clock: FixedClock) -> Titulaire:
    with console.services.engine.begin() as conn:
        jeton = invite(conn, coffre, console.monde.comptes[AGENT], instant=clock.now())
    holder = await accept(console, jeton)
    clock.advance(timedelta(seconds=90))
    return holder


def dump(url: str) -> str:
    """What pg_dump writes of the whole base."""
    command = [str(binaries() / "pg_dump"), "--data-only", "--dbname", url]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def put_in_clear(engine: Engine, coffre: Coffre) -> None:
    """As the base was before it sealed anything."""
    with engine.begin() as conn:
        for each in SCELLES:
            name, column, owner = each.table.name, each.colonne, each.proprietaire
            rows = conn.execute(text(f"SELECT {column}, {owner} FROM {name} WHERE {column} <> ''")).all()
            for scelle, of in rows:
                conn.execute(
                    text(f"UPDATE {name} SET {column} = :clair WHERE {column} = :scelle"),
                    {"clair": coffre.open(scelle, each.contexte(of)), "scelle": scelle},
                )


async def test_a_dump_of_the_base_gives_no_second_factor(
    titulaire: Titulaire, console: Navigateur, coffre: Coffre, clock: FixedClock, database_url: str
) -> None:
    """[CSL-39] Neither that of an account, nor its codes, nor that of an invitation; and what was in clear
    before is sealed without anybody having to enrol again."""
    engine, voisin = console.services.engine, console.monde.comptes[VOISIN]
    with engine.begin() as conn:
        invite(conn, coffre, voisin, instant=clock.now())
        scelle = conn.scalar(text("SELECT totp FROM invitation WHERE close_le IS NULL"))
        closed = conn.scalars(text("SELECT totp FROM invitation WHERE close_le IS NOT NULL")).all()
    assert scelle is not None
    assert closed == [""]
    proposed = coffre.open(scelle, TOTP_INVITATION.contexte(voisin))
    secrets = [titulaire.secret, proposed, *map(digest_code, titulaire.codes)]
    assert len(secrets) == 12
    put_in_clear(engine, coffre)
    with engine.connect() as conn:
        assert count_by_key(conn) == {"": 12}
    before = dump(database_url)
    assert [each for each in secrets if each not in before] == []
    with engine.begin() as conn:
        assert seal_rows(conn, coffre) == 12
        assert seal_rows(conn, coffre) == 0
    after = dump(database_url)
    assert [each for each in secrets if each in after] == []
    # Nor the key, in whatever form.
    assert coffre.fichier.read_text().strip() not in after
    assert (await titulaire.enter()).statut == 303
    assert (await titulaire.enter(code=titulaire.codes[3])).statut == 303
    assert (await titulaire.enter(code=titulaire.codes[3])).statut == 422


async def test_a_secret_moved_to_another_account_opens_nothing(
    titulaire: Titulaire, console: Navigateur, coffre: Coffre, clock: FixedClock
) -> None:
    """[CSL-39] Whoever writes in the base does not give his own telephone to somebody else's account."""
    engine = console.services.engine
    with engine.begin() as conn:
        jeton = invite(conn, coffre, console.monde.comptes[VOISIN], instant=clock.now())
    victime = await accept(console, jeton)
    clock.advance(timedelta(seconds=90))
    with engine.begin() as conn:
        conn.execute(
            text("UPDATE compte SET totp = (SELECT totp FROM compte WHERE id = :moi) WHERE id = :lui"),
            {"moi": console.monde.comptes[AGENT], "lui": console.monde.comptes[VOISIN]},
        )
    page = await victime.enter(code=titulaire.code())
    assert (page.statut, "CON199" in page.texte) == (500, True)
    assert titulaire.secret not in page.html
    # In clear, as it was before anything was sealed, it is not taken either.
    with engine.begin() as conn:
        conn.execute(text("UPDATE compte SET totp = :clair"), {"clair": titulaire.secret})
    assert (await victime.enter(code=titulaire.code())).statut == 500


async def test_a_key_changes_without_anybody_noticing(
    titulaire: Titulaire, console: Navigateur, coffre: Coffre, clock: FixedClock
) -> None:
    """[CSL-40] The console that runs reads the file again; the former key goes once it seals nothing."""
    engine, former = console.services.engine, coffre.courante
    commande = Coffre(coffre.fichier)
    added = add_cle(commande)
    assert coffre.cles == (former, added)
    assert (await titulaire.enter()).statut == 303
    with engine.begin() as conn:
        assert seal_rows(conn, commande) == 11
        assert count_by_key(conn) == {added: 11}
    drop_cles(commande, [former, added])
    assert coffre.cles == (added,)
    clock.advance(timedelta(seconds=90))
    assert (await titulaire.enter()).statut == 303
    assert (await titulaire.enter(code=titulaire.codes[0])).statut == 303
    # Lost for good: nobody is stopped by what cannot be opened, and nobody enters without a second factor.
    with engine.begin() as conn:
        assert (erase_lost(conn, [added]), erase_lost(conn, [])) == (0, 11)
    assert "CON111" in (await titulaire.enter()).texte


def test_what_is_sealed_opens_where_it_was_sealed_only(coffre: Coffre, tmp_path: Path) -> None:
    """[CSL-39]"""
    moi, lui = uuid.uuid4(), uuid.uuid4()
    scelle = coffre.seal("secret", TOTP.contexte(moi))
    assert coffre.open(scelle, TOTP.contexte(moi)) == "secret"
    assert scelle != coffre.seal("secret", TOTP.contexte(moi))
    assert scelle.startswith(f"{coffre.courante}.")
    for contexte in (TOTP.contexte(lui), CODE.contexte(moi), ""):
        with pytest.raises(ScelleAltere):
            coffre.open(scelle, contexte)
    flipped = scelle[:-4] + ("AAAA" if scelle[-4:] != "AAAA" else "BBBB")
    for altered in (flipped, scelle[:30], f"{coffre.courante}.", f"{coffre.courante}.é", "secret", ""):
        with pytest.raises(ScelleAltere):
            coffre.open(altered, TOTP.contexte(moi))
    create_cles(tmp_path / "autre.cles")
    autre = Coffre(tmp_path / "autre.cles")
    with pytest.raises(CleAbsente, match=coffre.courante):
        autre.open(scelle, TOTP.contexte(moi))


def test_the_file_of_keys_is_private_and_made_once(tmp_path: Path) -> None:
    """[CSL-40] A file that holds no keys is said, and what it holds is not."""
    fichier = tmp_path / "dossier" / "scellement.cles"
    with pytest.raises(CoffreIllisible, match="ne se lit pas"):
        Coffre(fichier)
    create_cles(fichier)
    assert fichier.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create_cles(fichier)
    add_cle(Coffre(fichier))
    assert fichier.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in fichier.parent.iterdir()] == ["scellement.cles"]
    court = hashlib.sha256(b"x").hexdigest()[:16]
    for contenu in ("", "pas du base64 !", court, "ŷ"):
        fichier.write_text(contenu)
        with pytest.raises(CoffreIllisible) as raised:
            Coffre(fichier)
        assert not contenu.strip() or contenu not in str(raised.value)


def test_every_secret_of_the_tables_is_one_of_those(engine: Engine) -> None:
    """[CSL-39] A column added for a second factor is sealed too."""
    query = (
        "SELECT table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name IN ('totp', 'secret')"
    )
    with engine.connect() as conn:
        found = set(conn.scalars(text(query)))
    assert found <= {f"{each.table.name}.{each.colonne}" for each in SCELLES}
