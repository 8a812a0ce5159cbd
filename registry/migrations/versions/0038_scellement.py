"""Second factors are sealed by keys that the base does not have; a secret that serves no more is erased."""

from alembic import op
from sqlalchemy import Column, DateTime, LargeBinary, PrimaryKeyConstraint, Text

revision = "0038_scellement"
down_revision = "0037_echanges_par_guichet"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cle_scellement",
        Column("id", Text, nullable=False),
        Column("declaree_le", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("id", name="cle_scellement_pk"),
    )
    op.alter_column(
        "code_secours",
        "empreinte",
        existing_type=LargeBinary,
        type_=Text,
        existing_nullable=False,
        postgresql_using="encode(empreinte, 'hex')",
    )
    op.execute("UPDATE invitation SET totp = '' WHERE close_le IS NOT NULL")


def downgrade() -> None:
    # A digest that is sealed cannot come back: the codes are to be made again.
    op.execute("DELETE FROM code_secours WHERE empreinte !~ '^[0-9a-f]{64}$'")
    op.alter_column(
        "code_secours",
        "empreinte",
        existing_type=Text,
        type_=LargeBinary,
        existing_nullable=False,
        postgresql_using="decode(empreinte, 'hex')",
    )
    op.drop_table("cle_scellement")
