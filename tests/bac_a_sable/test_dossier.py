"""The folder of a sandbox: what is taken for one, and what is never removed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, text

from echangeur.bac_a_sable.cliche import take
from echangeur.bac_a_sable.comptes import Acces
from echangeur.bac_a_sable.dossier import Fiche, open_sandbox
from echangeur.bac_a_sable.horloge import HorlogeDeBac
from echangeur.bac_a_sable.lieux import FICHIER, is_sandbox
from echangeur.bac_a_sable.monde import Choix
from echangeur.bac_a_sable.preparation import clear
from echangeur.bac_a_sable.relais import lay, read_boxes
from echangeur.bac_a_sable.vidage import put_back
from echangeur.sortie import MauvaisUsage


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """[BAC-1] --neuf removes what a sandbox made, and nothing else."""
    (tmp_path / "these.odt").write_bytes(b"trois ans")
    with pytest.raises(MauvaisUsage, match=r"these\.odt"):
        clear(tmp_path)
    assert (tmp_path / "these.odt").exists()


def test_what_an_interrupted_making_left_is_made_again(tmp_path: Path) -> None:
    place = tmp_path / "bac"
    (place / "instance" / "autorite").mkdir(parents=True)
    assert not is_sandbox(place)
    clear(place)
    assert not place.exists()
    clear(place)


def test_a_clock_that_was_being_written_is_removed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[BAC-1] What a write cut off before its end leaves is not something else."""
    place = tmp_path / "bac"
    place.mkdir()
    horloge = HorlogeDeBac(place)
    horloge.resume()
    with monkeypatch.context() as cut:
        cut.setattr(Path, "replace", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            horloge.resume()
    assert len(list(place.iterdir())) == 2
    clear(place)
    assert not place.exists()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_no_sandbox_and_one_of_another_version_are_told(tmp_path: Path) -> None:
    with pytest.raises(MauvaisUsage, match="Il n'y a pas de bac à sable"):
        open_sandbox(tmp_path)
    fiche = Fiche(Choix(), Acces("secret", {}), datetime(2026, 11, 29, tzinfo=UTC), "0001_registre")
    (tmp_path / FICHIER).write_bytes(msgspec.json.encode(fiche))
    with pytest.raises(MauvaisUsage, match="autre version"):
        open_sandbox(tmp_path)
    (tmp_path / FICHIER).write_bytes(b'{"choix": 1}')
    with pytest.raises(MauvaisUsage, match="autre version"):
        open_sandbox(tmp_path)


def test_the_stock_of_another_schema_is_not_put_back(engine: Engine, database_url: str) -> None:
    """[BAC-12] A newer program brought the base up to date: the orders kept before would give its schema the
    number of that day."""
    take(engine)
    with engine.begin() as conn:
        connue = conn.scalar(text("SELECT version_num FROM version_schema"))
        conn.execute(text("UPDATE version_schema SET version_num = '9999_plus_tard'"))
        conn.execute(text("DELETE FROM generation"))
    assert not put_back(database_url)
    with engine.begin() as conn:
        assert conn.scalar(text("SELECT version_num FROM version_schema")) == "9999_plus_tard"
        assert conn.scalar(text("SELECT count(*) FROM generation")) == 0
        conn.execute(text("UPDATE version_schema SET version_num = :connue"), {"connue": connue})
    assert put_back(database_url)
    with engine.begin() as conn:
        assert conn.scalar(text("SELECT count(*) FROM generation"))


def test_mails_are_laid_in_the_box_of_their_address(tmp_path: Path) -> None:
    """[BAC-3] Each a file as it left, whatever the address holds."""
    mail = b"Subject: essai\r\nX-Echangeur-Nature: refus\r\nIn-Reply-To: <a@b>\r\n\r\n"
    for adresse in ("robot@guichet.example", "Robot@Guichet.example", "../../etc/passwd@x", ".."):
        lay(tmp_path, adresse, mail)
    lettres = read_boxes(tmp_path)
    assert [(each.destinataire, each.fichier.name) for each in lettres] == [
        ("_", "000001.eml"),
        ("_.._etc_passwd@x", "000001.eml"),
        ("robot@guichet.example", "000001.eml"),
        ("robot@guichet.example", "000002.eml"),
    ]
    assert {(each.nature, each.sujet, each.en_reponse_a) for each in lettres} == {("refus", "essai", "<a@b>")}
    assert all(each.fichier.is_relative_to(tmp_path) for each in lettres)
    assert lettres[0].fichier.read_bytes() == mail
