"""The `plimsoll` command: everything an operator does from a shell."""

import rich_click as click

from cli.accounts import accounts
from cli.audit import audit
from cli.demo import demo
from cli.doctor import doctor
from cli.export import export
from cli.projections import projections
from cli.replay import replay
from cli.serve import serve
from cli.settings import settings
from cli.simulate import simulate
from cli.version import VERSION


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="plimsoll")
def main() -> None:
    """A risk-first, event-sourced trade execution engine.

    Start with `plimsoll demo`, which needs nothing but itself.
    """


for command in (
    demo,
    serve,
    accounts,
    simulate,
    replay,
    audit,
    doctor,
    projections,
    settings,
    export,
):
    main.add_command(command)
