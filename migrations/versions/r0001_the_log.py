"""The event log, the inbox, and the two tables of prices shown but never decided on."""

from migrations.statements import run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the log, its guards and the role that may only append."""
    run(__file__, "up")


def downgrade() -> None:
    """Remove all of it; refused while the log or the inbox holds anything."""
    run(__file__, "down")
