"""The channel of a guichet; what it came for itself; the distributions that were withdrawn."""

from alembic import op
from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, Text, Uuid, text

revision = "0010_canaux"
down_revision = "0009_pieces"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("guichet", Column("adresse_courrier", Text, nullable=False, server_default=text("''")))
    op.add_column("guichet", Column("canal", Text, nullable=False, server_default=text("'retrait'")))
    op.execute("UPDATE guichet SET canal = 'push' WHERE adresse_reception <> ''")
    op.drop_constraint("distribution_etat_ck", "distribution")
    op.create_check_constraint(
        "distribution_etat_ck",
        "distribution",
        "etat IN ('en_attente', 'acquittee', 'echec', 'retiree')",
    )
    op.add_column("distribution", Column("acquit", Uuid))
    op.create_index(
        "distribution_echec_ix",
        "distribution",
        ["guichet", "sequence"],
        postgresql_where=text("etat = 'echec'"),
    )
    op.create_table(
        "retrait",
        Column("distribution", Uuid, nullable=False),
        Column("echange", Uuid, nullable=False),
        Column("lu_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("distribution", "echange", name="retrait_pk"),
    )
    # Until now the erasure of a demande left what waited of it: nothing of it can be sent any more.
    op.execute("""
        UPDATE distribution d SET etat = 'retiree', termine_le = now()
        WHERE etat IN ('en_attente', 'echec') AND NOT EXISTS (
            SELECT FROM demande_version v WHERE v.numero = d.numero AND v.version = d.version)
    """)
