"""An account follows an identity: issuer and subject; and a session keeps what opened it at the provider."""

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, PrimaryKeyConstraint, Text

revision = "0039_oidc"
down_revision = "0038_scellement"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("compte_sujet_oidc_uq", "compte")
    op.add_column("compte", Column("emetteur_oidc", Text))
    op.add_column("compte", Column("relie_le", DateTime(timezone=True)))
    op.create_index("compte_identite_uq", "compte", ["emetteur_oidc", "sujet_oidc"], unique=True)
    op.add_column("session_console", Column("jeton_oidc", Text))
    op.create_table(
        "retour_oidc",
        Column("empreinte", LargeBinary, nullable=False),
        Column("expire", BigInteger, nullable=False),
        PrimaryKeyConstraint("empreinte", name="retour_oidc_pk"),
    )


def downgrade() -> None:
    op.drop_table("retour_oidc")
    op.drop_column("session_console", "jeton_oidc")
    op.drop_index("compte_identite_uq", "compte")
    op.drop_column("compte", "relie_le")
    op.drop_column("compte", "emetteur_oidc")
    op.create_index("compte_sujet_oidc_uq", "compte", ["sujet_oidc"], unique=True)
