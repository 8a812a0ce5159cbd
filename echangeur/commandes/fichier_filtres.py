"""What a person gives to the commands of filters: a file, an instant."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from echangeur.sortie import PARIS, ConstatNegatif, MauvaisUsage
from filters.language import Filtre
from filters.reading import Lecture, read_json, read_toml


def read_file(fichier: Path) -> Lecture:
    """The filters of a file: JSON when its name ends so, TOML otherwise. Raises MauvaisUsage."""
    try:
        text = fichier.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise MauvaisUsage(f"{fichier} n'est pas en UTF-8.") from None
    return read_json(text) if fichier.suffix == ".json" else read_toml(text)


def checked(lecture: Lecture) -> tuple[Filtre, ...]:
    """The filters that were read. Raises ConstatNegatif with all the errors when there are some."""
    if lecture.erreurs:
        raise ConstatNegatif("Filtre incorrect :\n" + "\n".join(f"  - {e}" for e in lecture.erreurs))
    return lecture.filtres


def read_effet(text: str) -> datetime | None:
    """The instant of ``--effet``, of Paris without a zone; None when it is empty. Raises MauvaisUsage."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MauvaisUsage(
            f"« {text} » n'est pas un instant.", "Écrivez AAAA-MM-JJ ou AAAA-MM-JJTHH:MM."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=PARIS)
