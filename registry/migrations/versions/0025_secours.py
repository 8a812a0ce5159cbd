"""The fallback channel of a guichet, and the pace at which it is sent to."""

from alembic import op
from sqlalchemy import Column, DateTime, Integer, PrimaryKeyConstraint, Text

revision = "0025_secours"
down_revision = "0024_decisions_par_date"
branch_labels = None
depends_on = None

INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "remise_guichet",
        Column("guichet", Text, nullable=False),
        Column("secours", Text),
        Column("secours_apres", Integer),
        Column("principal", Text),
        Column("bascule_le", INSTANT),
        Column("debit", Integer),
        Column("libre_le", INSTANT),
        PrimaryKeyConstraint("guichet", name="remise_guichet_pk"),
        postgresql_with={"fillfactor": "50"},
    )
