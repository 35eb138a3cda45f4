"""The inner order of an aggregate file: events, commands, state, evolve, decide."""

import ast
from collections.abc import Iterable
from itertools import pairwise

from tests.tidy.shape import family
from tests.tidy.sources import Source, called, dotted


def is_aggregate(source: Source) -> bool:
    """A file of the domain that both folds and decides."""
    return source.room == "domain" and {"evolve", "decide"} <= _functions(source).keys()


def disorder(sources: Iterable[Source]) -> list[str]:
    """Aggregates whose parts are in another order, or whose matches are left open."""
    sources = list(sources)
    events, commands = family(sources, "Event"), family(sources, "Command")
    found = []
    for source in filter(is_aggregate, sources):
        found += _open_matches(source)
        found += _misplaced(source, events, commands)
    return found


def _open_matches(source: Source) -> list[str]:
    functions = _functions(source)
    return [
        source.breach(functions[name], f"{name} is not closed by assert_never")
        for name in ("evolve", "decide")
        if not any(called(node) == "assert_never" for node in ast.walk(functions[name]))
    ]


def _misplaced(source: Source, events: set[str], commands: set[str]) -> list[str]:
    functions = _functions(source)
    state = _state_name(functions["evolve"])
    places = {
        "events": [node.lineno for node in _top_classes(source) if node.name in events],
        "commands": [node.lineno for node in _top_classes(source) if node.name in commands],
        "state": [node.lineno for node in _top_classes(source) if node.name == state],
        "evolve": [functions["evolve"].lineno],
        "decide": [functions["decide"].lineno],
    }
    found = [
        source.breach(source.tree, f"an aggregate needs its {part} in its file")
        for part, lines in places.items()
        if not lines
    ]
    present = [(part, lines) for part, lines in places.items() if lines]
    for (before, lines_before), (after, lines_after) in pairwise(present):
        if max(lines_before) > min(lines_after):
            what = f"{after} before {before}: events, commands, state, evolve, decide"
            found.append(f"{source.path}:{min(lines_after)}: {what}")
    return found


def _top_classes(source: Source) -> list[ast.ClassDef]:
    return [node for node in source.tree.body if isinstance(node, ast.ClassDef)]


def _functions(source: Source) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in source.tree.body if isinstance(node, ast.FunctionDef)}


def _state_name(evolve: ast.FunctionDef) -> str:
    """The class of the first parameter, also where it may be None at the start."""
    if not evolve.args.args:
        return ""
    annotation = evolve.args.args[0].annotation
    if isinstance(annotation, ast.BinOp):
        annotation = annotation.left
    return dotted(annotation) if annotation is not None else ""
