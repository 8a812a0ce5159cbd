"""The reports of conformity that guichets deposit, and from when one is required of a guichet."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text, Uuid, text

from registry.tables import INSTANT, METADATA

RAPPORT_CONFORMITE: Final = Table(
    "rapport_conformite",
    METADATA,
    # As the report says.
    Column("identifiant", Uuid, primary_key=True),
    Column("guichet", Text, ForeignKey("guichet.code"), nullable=False),
    # SHA-256 of the JSON that is signed: 64 lower-case hexadecimal characters, which people copy and compare.
    Column(
        "empreinte",
        Text,
        CheckConstraint("empreinte ~ '^[0-9a-f]{64}$'", name="empreinte"),
        nullable=False,
        unique=True,
    ),
    # The whole message as it was deposited: CMS, DER.
    Column("signe", LargeBinary, nullable=False),
    # The certificate that signed: SHA-256, and subject for people.
    Column("signataire", Text, nullable=False),
    Column("signataire_nom", Text, nullable=False),
    # registry.conformite.Confiance: whose key it is.
    Column("confiance", Text, nullable=False),
    Column("version_interface", Text, nullable=False),
    Column("kit", Text, nullable=False),
    Column("emis_le", INSTANT, nullable=False),
    Column("expire_le", INSTANT, nullable=False),
    # The channels of distribution for which it suffices, judged once, at the deposit; none: it opens nothing.
    Column("canaux", ARRAY(Text), nullable=False),
    # What was found wrong with it then, in JSON: [[code, field, French text], …].
    Column("constats", Text, nullable=False),
    # Address of an account, or account of the machine.
    Column("depose_par", Text, nullable=False),
    Column("depose_le", INSTANT, nullable=False),
    # Null until the operator vouches for what a partner signed for itself.
    Column("contresigne_par", Text),
    Column("contresigne_le", INSTANT),
    # The later one that took its place.
    Column("remplace_par", Uuid),
    Column("remplace_le", INSTANT),
    Column("revoque_par", Text),
    Column("revoque_le", INSTANT),
    Column("motif", Text, nullable=False, server_default=text("''")),
    # Those of one guichet.
    Index("rapport_conformite_guichet_ix", "guichet"),
)

EXIGENCE_RAPPORT: Final = Table(
    "exigence_rapport",
    METADATA,
    # A guichet of which a report is required from another day than from the others.
    Column("guichet", Text, ForeignKey("guichet.code"), primary_key=True),
    # Null: never.
    Column("a_partir_du", INSTANT),
    Column("posee_par", Text, nullable=False),
    Column("posee_le", INSTANT, nullable=False),
)
