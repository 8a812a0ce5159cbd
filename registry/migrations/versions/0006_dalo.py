"""The lists of new DALO and of radiations, asked by date."""

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, PrimaryKeyConstraint, Text

revision = "0006_dalo"
down_revision = "0005_doublons"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "dalo_statut",
        Column("numero", Text, nullable=False),
        Column("statut", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        PrimaryKeyConstraint("numero", name="dalo_statut_pk"),
    )
    op.create_table(
        "releve_dalo",
        Column("sequence", BigInteger, nullable=False, autoincrement=False),
        Column("numero", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("vu_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("sequence", name="releve_dalo_pk"),
    )
    op.create_index("releve_dalo_vu_le_ix", "releve_dalo", ["vu_le"])
    op.create_index("releve_dalo_numero_ix", "releve_dalo", ["numero"])
    op.create_table(
        "releve_radiation",
        Column("sequence", BigInteger, nullable=False, autoincrement=False),
        Column("numero", Text, nullable=False),
        Column("territoire", Text, nullable=False),
        Column("vu_le", INSTANT, nullable=False),
        Column("motif", Text, nullable=False),
        Column("statut_dalo", Text, nullable=False),
        Column("type_reservataire", Text, nullable=False),
        PrimaryKeyConstraint("sequence", name="releve_radiation_pk"),
    )
    op.create_index("releve_radiation_vu_le_ix", "releve_radiation", ["vu_le"])
    op.create_index("releve_radiation_numero_ix", "releve_radiation", ["numero"])
    op.create_table(
        "releve_coupure",
        Column("nom", Text, nullable=False),
        Column("jusqu_au", INSTANT, nullable=False),
        PrimaryKeyConstraint("nom", name="releve_coupure_pk"),
        postgresql_with={"fillfactor": "50"},
    )
    op.execute(
        "INSERT INTO releve_coupure (nom, jusqu_au) "
        "VALUES ('dalo', timestamptz '2000-01-01 00:00:00+00'), "
        "('radiations', timestamptz '2000-01-01 00:00:00+00')"
    )
    # Demandes registered before this list existed may bear a status: documents are in emitted form, whose
    # prefix is always ns1, so that a pattern reads it.
    op.execute(r"""
        WITH portes AS (
            SELECT d.numero, d.territoire, d.sequence_journal, d.maj_le,
                substring(convert_from(v.document, 'UTF8')
                    FROM '<ns1:statutDalo[^>]*code="([a-zA-Z0-9]{1,6})"') AS statut
            FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
        ), statuts AS (
            INSERT INTO dalo_statut (numero, statut, sequence)
            SELECT numero, statut, sequence_journal FROM portes WHERE statut IS NOT NULL
        )
        INSERT INTO releve_dalo (sequence, numero, territoire, vu_le)
        SELECT sequence_journal, numero, territoire, maj_le FROM portes WHERE statut = 'ACTIF'
    """)
