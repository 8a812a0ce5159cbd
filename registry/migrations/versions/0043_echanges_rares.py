"""The exchanges that were refused or failed are found without reading those that were accepted.

Written by a trigger: whatever writes an outcome, and whatever will. Its condition alone is what the outcomes
of the others pay.
"""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, Text, Uuid, text

revision = "0043_echanges_rares"
down_revision = "0042_retirees"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "echange_rare",
        Column("statut", Text),
        Column("id", Uuid),
        Column("guichet", Text, nullable=False),
        PrimaryKeyConstraint("statut", "id", name="echange_rare_pk"),
    )
    op.execute("""
        CREATE FUNCTION note_echange_rare() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO echange_rare (statut, id, guichet) VALUES (NEW.statut, NEW.id, NEW.guichet)
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER echange_rare AFTER INSERT OR UPDATE OF statut ON echange
        FOR EACH ROW WHEN (NEW.statut IN ('refuse', 'echec')) EXECUTE FUNCTION note_echange_rare()
    """)
    op.execute("""
        INSERT INTO echange_rare (statut, id, guichet)
        SELECT statut, id, guichet FROM echange WHERE statut IN ('refuse', 'echec') ORDER BY statut, id
    """)
    op.create_index("echange_rare_guichet_ix", "echange_rare", ["statut", "guichet", "id"])
    # Last: whoever reads distributions waits from here on.
    op.drop_index("distribution_echec_ix", "distribution")
    op.execute("ALTER INDEX distribution_echec_cause_ix RENAME TO distribution_echec_ix")


def downgrade() -> None:
    op.execute("ALTER INDEX distribution_echec_ix RENAME TO distribution_echec_cause_ix")
    op.create_index(
        "distribution_echec_ix",
        "distribution",
        ["guichet", "sequence"],
        postgresql_where=text("etat = 'echec'"),
    )
    op.execute("DROP TRIGGER echange_rare ON echange")
    op.execute("DROP FUNCTION note_echange_rare")
    op.drop_table("echange_rare")
