"""The images of an instance, and their progress shown while they are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import TimeRemainingColumn
from sqlalchemy import Engine

from echangeur.progression import open_bar
from filters.image import Image
from filters.suivi import Suivi
from registry.clock import Clock


@contextmanager
def followed(suivi: Suivi, titre: str, engine: Engine, clock: Clock) -> Iterator[Image]:
    """An image, up to date; shows on a terminal how it gets there."""
    with open_bar(TimeRemainingColumn()) as progress:
        task = progress.add_task(titre, total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        with suivi.follow(engine, clock.now(), show) as image:
            progress.stop()
            yield image
