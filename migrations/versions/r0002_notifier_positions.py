"""How far each notifier came in the log, and the index by which it finds the next alert."""

from migrations.statements import run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the index."""
    run(__file__, "up")


def downgrade() -> None:
    """Remove both: what was sent would be sent again from the head on."""
    run(__file__, "down")
