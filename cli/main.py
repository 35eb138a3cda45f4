"""The `plimsoll` command: everything an operator does from a shell."""

from importlib import import_module
from typing import cast

import rich_click as click

from cli.version import VERSION

# A command's module is loaded when it is asked for: most need no exchange library at all.
COMMANDS = (
    "demo",
    "serve",
    "accounts",
    "simulate",
    "replay",
    "audit",
    "doctor",
    "projections",
    "settings",
    "export",
)


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


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="plimsoll")
def main() -> None:
    """A risk-first, event-sourced trade execution engine.

    Start with `plimsoll demo`, which needs nothing but itself.
    """
