"""The documents say what is so: links, paths, names, commands, templates and decisions."""

import ast
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

import click
import msgspec
import pytest

from cli.main import main
from domain.settings import Settings
from domain.signal import Signal, read_signal
from domain.webhook_body import parse_body, redact

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    ROOT / "STYLE.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CODE_SPAN = re.compile(r"`([^`\n]+)`")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A path names its room; behind a colon may stand a name that is defined in the file.
PATH = re.compile(
    r"(?:\.ci|adapters|application|benchmarks|cli|docs|domain|migrations|projections|tests|web)"
    r"/[\w./-]*(?::[A-Za-z_][\w.]*)?"
)
SETTING = re.compile(r"(?:pool|queue|signals|grid|exits|capital|risk|precision)\.\w+")
PLACEHOLDER = re.compile(r"\{\{([\w.]+)\}\}")
DECISION_NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md")

# Put together here, so that this file does not contain what it looks for.
FOREIGN = tuple(
    "".join(parts)
    for parts in (
        ("/wo", "rk/"),
        ("/tmp/", "brief"),
        ("py", "pi.org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("npm", "js.com"),
        ("yarn", "pkg.com"),
        ("crates", ".io"),
        ("jsr", ".io"),
        ("deb.", "debian.org"),
    )
)
NOT_OURS = {"__pycache__", "node_modules", "build", "dist"}
TEXT_BYTES_MAX = 4_000_000

# What TradingView puts in for a strategy that goes long on a perpetual.
FILLED_IN: Mapping[str, str] = {
    "timenow": "2026-01-05T12:34:56Z",
    "exchange": "BINANCE",
    "ticker": "BTCUSDT.P",
    "interval": "15",
    "close": "60123.4",
    "strategy.order.action": "buy",
    "strategy.order.id": "Long",
    "strategy.order.comment": "crossed above",
    "strategy.order.price": "60120",
    "strategy.order.contracts": "0.1",
    "strategy.market_position": "long",
    "strategy.market_position_size": "0.1",
    "strategy.prev_market_position": "flat",
    "strategy.prev_market_position_size": "0",
}
WENT_FLAT: Mapping[str, str] = {
    **FILLED_IN,
    "strategy.order.action": "sell",
    "strategy.market_position": "flat",
    "strategy.market_position_size": "0",
    "strategy.prev_market_position": "long",
    "strategy.prev_market_position_size": "0.1",
}


def none_of(found: list[str]) -> None:
    """All flaws, a line each, in the report of the failure."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dead_links(document: Path, text: str) -> list[str]:
    """Relative links that lead nowhere, and anchors no heading answers to."""
    found = []
    for target in LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        place, _, anchor = target.partition("#")
        file = (document.parent / place).resolve() if place else document
        if not file.exists():
            found.append(f"{shown(document)}: link {target} leads nowhere")
        elif anchor and anchor not in anchors(file.read_text()):
            found.append(f"{shown(document)}: {target} has no such heading")
    return found


def anchors(text: str) -> set[str]:
    """The headings of a page, as links write them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong_paths(document: str, text: str) -> list[str]:
    """Paths that do not exist, and names their file does not define."""
    found = []
    for span in CODE_SPAN.findall(text):
        if not PATH.fullmatch(span):
            continue
        place, _, name = span.partition(":")
        if not (ROOT / place).exists():
            found.append(f"{document}: {place} does not exist")
        elif name and name not in defined(place):
            found.append(f"{document}: {place} does not define {name}")
    return found


@cache
def defined(place: str) -> frozenset[str]:
    """Names at the top of a file, and those of its classes as `Class.name`."""
    tree = ast.parse((ROOT / place).read_text())
    return frozenset(_names("", tree.body))


def _names(prefix: str, body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _names(f"{prefix}{name}.", node.body)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.Assign(targets=targets):
                yield from (prefix + t.id for t in targets if isinstance(t, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case _:
                pass


def unknown_settings(document: str, text: str) -> list[str]:
    """Settings that the document of an account does not have."""
    return [
        f"{document}: there is no setting {span}"
        for span in CODE_SPAN.findall(text)
        if SETTING.fullmatch(span) and not is_setting(span)
    ]


def is_setting(dotted: str) -> bool:
    value: object = Settings()
    for name in dotted.split("."):
        if not isinstance(value, msgspec.Struct) or name not in value.__struct_fields__:
            return False
        value = getattr(value, name)
    return True


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_link_leads_somewhere(document: Path) -> None:
    none_of(dead_links(document, document.read_text()))


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_path_name_and_setting_of_the_text_exists(document: Path) -> None:
    text = document.read_text()
    none_of([*wrong_paths(shown(document), text), *unknown_settings(shown(document), text)])


def test_a_dead_link_a_wrong_name_and_a_missing_setting_are_found() -> None:
    assert dead_links(README, "[here](docs/nowhere.md) [x](#no-such-heading)") == [
        "README.md: link docs/nowhere.md leads nowhere",
        "README.md: #no-such-heading has no such heading",
    ]
    assert dead_links(README, "[so](STYLE.md#names) [far](https://example.org)") == []
    assert wrong_paths("x", "`domain/nothing.py` `domain/queue.py:nothing`") == [
        "x: domain/nothing.py does not exist",
        "x: domain/queue.py does not define nothing",
    ]
    assert wrong_paths("x", "`domain/queue.py:Queue.find` `domain/queue.py` `web/`") == []
    assert unknown_settings("x", "`risk.nothing` `risk.offset`") == [
        "x: there is no setting risk.nothing"
    ]


def command_lines(text: str) -> list[str]:
    """Every `plimsoll …` of code spans and shell blocks, without what stands around it."""
    blocks = [body for language, body in FENCED.findall(text) if language == "sh"]
    spans = CODE_SPAN.findall(FENCED.sub("", text))
    lines = [line.split("#")[0].strip() for line in [*spans, *"".join(blocks).splitlines()]]
    return [line for line in lines if line.startswith("plimsoll ")]


def wrong_command(line: str) -> str:
    """What of a command line the CLI does not know; empty if it knows it all."""
    words = shlex.split(line)[1:]
    command: click.Command = main
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        word = words.pop(0)
        found = command.get_command(click.Context(command), word)
        if found is None:
            return f"{line}: there is no command {word}"
        command = found
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    unknown = [word for word in words if word.startswith("-") and word not in known]
    return f"{line}: there is no option {', '.join(unknown)}" if unknown else ""


def leaves(command: click.Command, name: str = "plimsoll") -> Iterator[str]:
    """Every command that does something, by its full name."""
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for child in command.list_commands(context):
        found = command.get_command(context, child)
        assert found is not None, f"{name} lists {child} and does not have it"
        yield from leaves(found, f"{name} {child}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_command_line_of_the_text_exists(document: Path) -> None:
    lines = command_lines(document.read_text())
    none_of([flaw for flaw in map(wrong_command, lines) if flaw])


def test_the_readme_names_every_command() -> None:
    lines = command_lines(README.read_text())
    none_of(
        [
            f"README.md does not name {leaf}"
            for leaf in leaves(main)
            if not any(line == leaf or line.startswith(f"{leaf} ") for line in lines)
        ]
    )


def test_a_command_line_that_does_not_exist_is_found() -> None:
    assert wrong_command("plimsoll nothing").endswith("there is no command nothing")
    assert wrong_command("plimsoll audit nothing --json").endswith("there is no command nothing")
    assert wrong_command("plimsoll replay DAY --nothing").endswith("there is no option --nothing")
    assert wrong_command("plimsoll replay 2026-01-05 --account paper") == ""


def test_the_makefile_has_the_targets_the_text_names() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make (\w+)", README.read_text()))
    assert {"run", "test"} <= named <= targets


def template() -> str:
    [block] = [body for language, body in FENCED.findall(README.read_text()) if language == "json"]
    return str(block)


def as_signal(values: Mapping[str, str]) -> Signal:
    """The template as TradingView would send it, read as the engine reads it."""
    sent = PLACEHOLDER.sub(lambda found: values[found[1]], template())
    redaction = redact(sent.encode())
    assert redaction.secret == json.loads(template())["secret"]
    signal = read_signal(parse_body(redaction.body))
    assert isinstance(signal, Signal), str(signal)
    return signal


def test_the_alert_template_is_an_entry_when_its_placeholders_are_filled() -> None:
    signal = as_signal(FILLED_IN)
    assert (signal.kind, signal.side) == ("entry", "long")
    assert (signal.symbol, signal.timeframe) == ("BTCUSDT.P", "15")
    assert signal.price == Decimal(60120)
    assert signal.timestamp is not None
    assert signal.timestamp.isoformat() == "2026-01-05T12:34:56+00:00"


def test_the_alert_template_closes_the_long_when_the_strategy_went_flat() -> None:
    signal = as_signal(WENT_FLAT)
    assert (signal.kind, signal.side) == ("exit", "long")


def test_a_placeholder_that_was_not_filled_is_no_signal() -> None:
    with pytest.raises(AssertionError, match="did not fill it in"):
        as_signal({**FILLED_IN, "close": "{{plot_0}}"})


@pytest.mark.parametrize(("name", "lines_max"), [("README.md", 160), ("docs/tour.md", 200)])
def test_what_is_read_first_stays_short(name: str, lines_max: int) -> None:
    assert len((ROOT / name).read_text().splitlines()) <= lines_max


def test_decisions_are_numbered_without_gaps() -> None:
    found = [DECISION_NAME.fullmatch(page.name) for page in DECISIONS]
    numbers = [int(name[1]) for name in found if name is not None]
    assert numbers == list(range(1, len(DECISIONS) + 1)), [page.name for page in DECISIONS]


@pytest.mark.parametrize("page", DECISIONS, ids=shown)
def test_a_decision_has_its_number_and_its_three_parts(page: Path) -> None:
    text = page.read_text()
    title = re.match(r"# 0*(\d+)\.? \S", text)
    assert title is not None, "a decision begins with its number and title"
    assert int(title[1]) == int(page.name[:4])
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def files_of_the_project() -> Iterator[Path]:
    """Every text of ours: no installed, built or cached thing. `.ci` alone is hidden and ours."""
    for path in sorted(ROOT.rglob("*")):
        folders = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in folders[:-1])
        if path.is_file() and not hidden and not NOT_OURS & set(folders):
            yield path


def strangers(text: str) -> list[str]:
    return [name for name in FOREIGN if name in text]


def test_no_file_names_a_path_of_one_machine_or_the_host_of_a_registry() -> None:
    found = []
    for path in files_of_the_project():
        raw = path.read_bytes()
        assert len(raw) <= TEXT_BYTES_MAX, f"{shown(path)} is too large to be ours"
        found += [f"{shown(path)} names {name}" for name in strangers(raw.decode(errors="replace"))]
    none_of(found)


def test_a_stranger_is_found_and_the_walk_reaches_every_room() -> None:
    assert strangers(f"see {FOREIGN[2]}") == [FOREIGN[2]]
    walked = {shown(path) for path in files_of_the_project()}
    assert {"README.md", "requirements.lock", ".ci/bootstrap", "domain/queue.py"} <= walked
    assert not any(path.startswith(".venv/") for path in walked)
