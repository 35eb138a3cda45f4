"""The `plimsoll` command: everything an operator does from a shell."""

from importlib import import_module
from typing import cast

import rich_click as click

from cli.answers import Unusable, fail
from cli.version import VERSION

# A command's module is loaded when it is asked for: most need no exchange library at all, and
# the list of them needs none. Each line is the first of the command's own help.
COMMANDS = {
    "demo": "Run everything here: database, paper account, moving market, dashboard.",
    "serve": "Run webhook, engine, dashboard and API for every account that was added.",
    "accounts": "Add accounts, list them.",
    "queue": "The signals that wait for a slot: list, promote, remove, force in.",
    "group": "The open trades: list, close, reduce.",
    "risk": "The brakes: status, pause, resume, halt, reset the breaker, transfer, emergency stop.",
    "offset": "Losers paid down by winners: plan, run, skip, block, unblock.",
    "simulate": "Run recorded prices and signals through the engine under a virtual clock.",
    "replay": "Feed the recorded inputs of DAY (UTC, YYYY-MM-DD) to the same code, compare every"
    " byte.",
    "audit": "Verify the log's hash chain and the tables made from it.",
    "doctor": "Check database, clock, disk, venues and what has been waiting too long.",
    "projections": "The tables the dashboard reads: always disposable, always rebuilt alike.",
    "notify": "Who is told of alerts: add, list, remove, test (Telegram, e-mail, webhooks, …).",
    "settings": "Show the settings, print the defaults, set new ones.",
    "export": "Write the account's history to files. A past range always gives the same bytes.",
}


class LazyGroup(click.RichGroup):
    """Finds each command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of a first acquaintance."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        return cast("click.Command", getattr(import_module(f"cli.{cmd_name}"), cmd_name))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without loading a single one."""
        listed = _Listing(
            name=self.name,
            params=self.params,
            help=self.help,
            epilog=self.epilog,
            commands={
                name: click.RichCommand(name=name, help=told) for name, told in COMMANDS.items()
            },
        )
        stand_in = click.RichContext(
            listed,
            info_name=ctx.info_name,
            parent=ctx.parent,
            help_option_names=ctx.help_option_names,
        )
        listed.format_help(stand_in, cast("click.RichHelpFormatter", formatter))

    def invoke(self, ctx: click.Context) -> object:
        """Run it; what cannot be used is told in a sentence, never as a traceback."""
        try:
            return super().invoke(ctx)
        except Unusable as error:
            fail(str(error))


class _Listing(click.RichGroup):
    """Stands for the group in its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


@click.group(
    cls=LazyGroup,
    epilog="Example: plimsoll demo --port 8000. Exit codes: 0 done, 1 failed, 2 not understood; "
    "a command with others names them.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="plimsoll")
def main() -> None:
    """A risk-first, event-sourced trade execution engine.

    Start with `plimsoll demo`, which needs nothing but itself.
    """
