"""The circuit breakers of the channels, what happened to them; what was put off, and why it failed for good."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Integer, PrimaryKeyConstraint, Text, Uuid, text

revision = "0023_disjoncteur"
down_revision = "0022_repetitions"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("distribution", Column("differee", Boolean, nullable=False, server_default=text("false")))
    op.add_column("distribution", Column("cause", Text))
    op.add_column("distribution", Column("relancee_le", INSTANT))
    op.execute("UPDATE distribution SET differee = true WHERE etat = 'en_attente' AND tentatives > 0")
    op.execute("""
        UPDATE distribution d SET cause = CASE t.issue WHEN 'remise' THEN 'sans-accuse' ELSE t.issue END
        FROM tentative t WHERE d.etat = 'echec' AND t.distribution = d.id AND t.rang = d.tentatives
    """)
    op.drop_index("distribution_attente_ix", "distribution")
    op.create_index(
        "distribution_attente_ix",
        "distribution",
        ["guichet", "differee", "sequence"],
        postgresql_where=text("etat = 'en_attente'"),
    )
    op.create_index(
        "distribution_differee_ix",
        "distribution",
        ["guichet", "prochaine_tentative", "sequence"],
        postgresql_where=text("etat = 'en_attente' AND differee"),
    )
    # What it knew is found again at the next attempt.
    op.drop_table("envoi_guichet")
    op.create_table(
        "disjoncteur",
        Column("guichet", Text, nullable=False),
        Column("canal", Text, nullable=False),
        Column("echecs", Integer, nullable=False),
        Column("refus", Integer, nullable=False, server_default=text("0")),
        Column("suspendu_jusqu_a", INSTANT),
        Column("ouvert_le", INSTANT),
        Column("sonde", Uuid),
        Column("cause", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("maj_le", INSTANT, nullable=False),
        PrimaryKeyConstraint("guichet", "canal", name="disjoncteur_pk"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "incident_remise",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("guichet", Text, nullable=False),
        Column("canal", Text, nullable=False),
        Column("genre", Text, nullable=False),
        Column("le", INSTANT, nullable=False),
        Column("detail", Text, nullable=False),
        PrimaryKeyConstraint("id", name="incident_remise_pk"),
    )
    op.create_index("incident_remise_ix", "incident_remise", ["guichet", "id"])
