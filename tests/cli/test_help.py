"""What every command says of itself, and how little is loaded to say it."""

import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from cli.main import COMMANDS, main
from cli.version import VERSION
from tests.cli.shell import ROOT, Shell

HEAVY = {"ccxt", "litestar", "uvicorn", "aiohttp"}
OWN_CODES = {
    "plimsoll": (0, 1, 2),
    "plimsoll audit verify": (0, 1),
    "plimsoll doctor": (0, 1),
    "plimsoll notify test": (0, 1),
    "plimsoll replay": (0, 1, 2),
    "plimsoll simulate": (0, 1, 3),
}


def commands(command: click.Command, name: str = "plimsoll") -> Iterator[tuple[str, click.Command]]:
    """The command and all below it, with their full names."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            assert found is not None, f"{name} lists {sub} and has it not"
            yield from commands(found, f"{name} {sub}")


ALL = dict(commands(main))


@pytest.mark.parametrize("name", ALL)
def test_every_command_explains_itself_with_an_example_of_its_own(shell: Shell, name: str) -> None:
    done = shell.run(*name.split()[1:], "--help")

    assert done.code == 0
    assert done.stderr == ""
    told = " ".join(done.stdout.split())
    assert "Usage: plimsoll" in told
    example = told.partition("Example: ")[2]
    own = next((word for word in (name, "plimsoll") if f"{word} " in example), "")
    assert own, f"the help of {name} shows no example"
    if not isinstance(ALL[name], click.Group):
        assert f"{name} " in example or example.endswith(name), f"{example!r} shows another command"


@pytest.mark.parametrize("name", ALL)
def test_every_option_and_argument_of_a_command_is_told(name: str) -> None:
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Option):
            has_help = bool(parameter.help) or parameter.show_default
            assert has_help, f"{name} {parameter.opts[0]} has neither help nor default"


@pytest.mark.parametrize("name", OWN_CODES)
def test_exit_codes_with_a_meaning_are_told(name: str) -> None:
    told = ALL[name].epilog or ""
    listed = re.search(r"Exit codes: (.*?)(?:;|\.|$)", told)

    assert listed is not None, f"{name} does not tell its exit codes"
    assert tuple(int(code) for code in re.findall(r"\b\d\b", listed[1])) == OWN_CODES[name]


@pytest.mark.parametrize("name", ALL)
def test_only_commands_with_codes_of_their_own_list_them(name: str) -> None:
    assert ("Exit codes" in (ALL[name].epilog or "")) == (name in OWN_CODES)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    help_text = " ".join((ALL[f"plimsoll {name}"].help or "").split())

    assert help_text.startswith(COMMANDS[name])


def test_the_version_is_told(shell: Shell) -> None:
    done = shell.start("--version")

    assert (done.code, done.stdout) == (0, f"plimsoll, version {VERSION}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["replay", "--help"]])
def test_help_is_told_without_loading_an_exchange_or_a_web_server(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from cli.main import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print('loaded:', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rpartition("loaded:")[2].split())

    assert "rich_click" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_an_unknown_command_and_an_unknown_option_are_named(shell: Shell) -> None:
    shell.run("reply").refused("No such command 'reply'", code=2)
    shell.run("replay", "2026-01-05", "--fast").refused("--fast", code=2)
