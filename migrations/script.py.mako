"""${message}"""

from migrations.statements import run

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run(__file__, "up")


def downgrade() -> None:
    """Undo what `upgrade` did."""
    run(__file__, "down")
