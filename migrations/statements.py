"""Runs the hand-written SQL file that lies beside a revision."""

from pathlib import Path
from typing import Literal

from alembic import op


def run(revision_file: str, direction: Literal["up", "down"]) -> None:
    """Execute `<revision>.<direction>.sql` as it stands, without parameters."""
    source = Path(revision_file).with_suffix(f".{direction}.sql")
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(source.read_text(encoding="utf-8"))
