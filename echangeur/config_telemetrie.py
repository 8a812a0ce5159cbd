"""The section of the configuration about traces."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Telemetrie(Struct, frozen=True, forbid_unknown_fields=True):
    """Les traces OpenTelemetry, remises à un collecteur. Demande l'extra `traces` du paquet."""

    collecteur: Annotated[
        str,
        Meta(
            pattern=r"^($|https?://[^\s@]+$)",
            description="Adresse du collecteur, OTLP sur HTTP, `http://127.0.0.1:4318`. Vide : aucune trace.",
        ),
    ] = ""
    part: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Part des échanges qui sont tracés, de 0 à 1 ; un échange l'est en entier.",
        ),
    ] = 1.0
    propager: Annotated[
        bool,
        Meta(
            description="`true` : le champ `traceparent` des partenaires est lu et lié à la trace de leur"
            " échange, et les envois de distributions portent le nôtre (W3C Trace Context)."
        ),
    ] = False
