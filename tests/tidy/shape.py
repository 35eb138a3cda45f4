"""Rules of size, names, structs and refused habits, as style asks of every file."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tests.tidy.sources import Source, called, dotted, imported

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
BANNED_MODULES = {
    *("util", "utils", "helper", "helpers", "base", "common", "manager", "managers"),
    *("service", "services", "misc"),
}
EVENT_NAME = re.compile(r"[a-z_]+\.[a-z_]+\.v\d+")
BROAD = {"", "Exception", "BaseException"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
BANNER = re.compile(r"#\W{3,}")


def oversized(source: Source) -> list[str]:
    """A module or function that outgrew what one reads at once."""
    found = []
    if len(source.lines) > MODULE_LINES_MAX:
        found.append(f"{source.path}:1: {len(source.lines)} lines, the limit is {MODULE_LINES_MAX}")
    for function in source.functions():
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES_MAX:
            what = f"{function.name} has {length} lines, the limit is {FUNCTION_LINES_MAX}"
            found.append(source.breach(function, what))
    return found


def nameless_module(source: Source) -> list[str]:
    """A module named after no noun of trading or of the house."""
    parts = [PurePosixPath(part).stem for part in source.path.split("/")]
    return [
        f"{source.path}:1: {part} says nothing: name the noun"
        for part in parts
        if part in BANNED_MODULES
    ]


def unfinished(source: Source) -> list[str]:
    """A promise instead of code."""
    return [
        f"{source.path}:{line}: {comment}"
        for line, comment in source.comments()
        if UNFINISHED.search(comment)
    ]


def banners(source: Source) -> list[str]:
    """A comment that draws a line instead of saying why: split the module by noun."""
    return [
        f"{source.path}:{line}: {comment}"
        for line, comment in source.comments()
        if BANNER.match(comment)
    ]


def swallowed_errors(source: Source) -> list[str]:
    """Everything caught and nothing done."""
    what = "swallows every error: name the one, and handle it"
    return [source.breach(node, what) for node in ast.walk(source.tree) if _swallows(node)]


def mocks(source: Source) -> list[str]:
    """A mock library where stubs are written by hand."""
    return [
        source.breach(node, f"{name}: write the stub by hand")
        for node, name in imported(source)
        if name.startswith(("unittest.mock", "mock.")) or name in {"mock", "pytest_mock"}
    ]


def fixed_sleeps(source: Source) -> list[str]:
    """A sleep that waits for no condition; one inside a loop with a deadline does."""
    return [
        source.breach(node, f"{called(node)} outside a loop: wait for the condition")
        for node in ast.walk(source.tree)
        if called(node) in {"time.sleep", "asyncio.sleep", "sleep"}
        and isinstance(node, ast.Call)
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
        and not any(isinstance(above, ast.While) for above in source.ancestors(node))
    ]


def family(sources: Iterable[Source], *ancestors: str) -> set[str]:
    """The names of all classes that descend from these, over all files."""
    bases = {
        struct.name: {dotted(base).rsplit(".", 1)[-1] for base in struct.bases}
        for source in sources
        for struct in source.classes()
    }
    found = set(ancestors)
    while True:
        more = {name for name, above in bases.items() if above & found} - found
        if not more:
            return found
        found |= more


def careless_structs(sources: Iterable[Source]) -> list[str]:
    """A struct that does not itself say that it is frozen and takes keywords only."""
    sources = list(sources)
    structs = family(sources, "Struct")
    return [
        source.breach(struct, f"{struct.name} lacks {missing}")
        for source in sources
        for struct in source.classes()
        if any(dotted(base).rsplit(".", 1)[-1] in structs for base in struct.bases)
        for missing in _missing_flags(struct)
    ]


def misnamed_events(sources: Iterable[Source]) -> list[str]:
    """An event without a NAME, with one of another form, or with another event's."""
    sources = list(sources)
    events = family(sources, "Event")
    parents = {
        dotted(base).rsplit(".", 1)[-1]
        for source in sources
        for struct in source.classes()
        for base in struct.bases
    }
    found = []
    owners: dict[str, str] = {}
    for source, struct in _classes_of(sources, events - {"Event"}):
        name = _name_constant(struct)
        if name is None:
            if struct.name not in parents:
                found.append(source.breach(struct, f"{struct.name} has no NAME"))
            continue
        if not EVENT_NAME.fullmatch(name):
            found.append(source.breach(struct, f"NAME {name!r} is not <aggregate>.<past>.v1"))
        if name in owners:
            found.append(source.breach(struct, f"NAME {name!r} belongs to {owners[name]}"))
        owners.setdefault(name, struct.name)
    return found


def _classes_of(sources: list[Source], names: set[str]) -> Iterator[tuple[Source, ast.ClassDef]]:
    for source in sources:
        for struct in source.classes():
            if struct.name in names:
                yield source, struct


def _name_constant(struct: ast.ClassDef) -> str | None:
    for field in struct.body:
        targets = field.targets if isinstance(field, ast.Assign) else []
        if isinstance(field, ast.AnnAssign):
            targets = [field.target]
        if isinstance(field, ast.Assign | ast.AnnAssign) and "NAME" in map(dotted, targets):
            value = field.value
            return str(value.value) if isinstance(value, ast.Constant) else None
    return None


def _missing_flags(struct: ast.ClassDef) -> list[str]:
    said = {
        keyword.arg
        for keyword in struct.keywords
        if isinstance(keyword.value, ast.Constant) and keyword.value.value is True
    }
    return [f"{flag}=True" for flag in ("frozen", "kw_only") if flag not in said]


def _swallows(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return _is_broad(node.type) and _is_empty(node.body)
    if isinstance(node, ast.Call) and called(node).split(".")[-1] == "suppress":
        return any(map(_is_broad, node.args))
    return False


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(one) for one in caught.elts)
    return caught is None or dotted(caught) in BROAD


def _is_empty(body: list[ast.stmt]) -> bool:
    """Only `pass`, `...`, `continue` or a docstring."""
    return all(
        isinstance(statement, ast.Pass | ast.Continue)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in body
    )
