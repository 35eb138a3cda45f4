"""Rules that keep decisions replayable: same inputs, same events, on every machine and run.

`# deterministic: reason` on a line exempts it from the bans on decisions.
"""

import ast
import re
from collections.abc import Iterator

from tests.tidy.sources import Source, called, dotted, imported

EXEMPTION = re.compile(r"#.*\bdeterministic: \S")
CLOCK_FILE = "adapters/clock.py"
CLOCK_READS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns"),
}
BANNED_IN_DECISIONS = {
    *("asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib"),
    *("random", "secrets", "socket", "structlog", "subprocess", "sys", "tempfile", "threading"),
    *("time", "uuid"),
}
BANNED_CALLS = {"hash", "id", "open", "print", "input", "float"}
SET_MAKERS = {"set", "frozenset"}
# They give the same answer in whatever order a set hands out its members.
ORDER_BLIND = {"sorted", "len", "any", "all", "set", "frozenset", "bool"}
ORDER_KEEPING = {"list", "tuple", "iter", "next", "enumerate", "zip", "map", "filter", "dict"}
SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)


def impurities(source: Source) -> list[str]:
    """What a decision must not contain."""
    found = [*_banned_imports(source), *_banned_expressions(source)]
    found += [*_raw_dictionaries(source), *_set_iterations(source)]
    return [
        source.breach(node, what)
        for node, what in found
        if not EXEMPTION.search(source.lines[node.lineno - 1])
    ]


def clock_reads(source: Source) -> list[str]:
    """Where the time is read; a monotonic clock only measures how long, never when."""
    what = "reads the clock: take the time as an argument"
    found = [
        source.breach(node, f"{dotted(node)} {what}")
        for node in ast.walk(source.tree)
        if _reads_clock(node)
    ]
    for statement, name in imported(source):
        if name in {"time.time", "time.time_ns"}:
            found.append(source.breach(statement, f"{name} {what}"))
    return found


def _reads_clock(node: ast.AST) -> bool:
    name = dotted(node) if isinstance(node, ast.Attribute) else ""
    return any(name == read or name.endswith(f".{read}") for read in CLOCK_READS)


def _banned_imports(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    for node, name in imported(source):
        if name.split(".")[0] in BANNED_IN_DECISIONS:
            yield node, f"a decision must not import {name}"


def _banned_expressions(source: Source) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node, f"{node.value!r} is a binary float: write Decimal"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node, "float is binary: use Decimal"
        elif isinstance(node, ast.Call) and called(node) in BANNED_CALLS - {"float"}:
            yield node, f"{called(node)}() differs between runs or reaches outside"
        elif isinstance(node, ast.Attribute) and _reads_clock(node):
            yield node, f"{dotted(node)} reads the clock: take the time as an argument"
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield node, "a decision awaits nothing"


def _raw_dictionaries(source: Source) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        view = node.func.attr
        if view in {"values", "items"} and not node.args and not _inside(source, node, {"sorted"}):
            yield node, f".{view}() has the order of insertion: wrap it in sorted(...)"


def _set_iterations(source: Source) -> Iterator[tuple[ast.expr, str]]:
    what = "iterates a set, whose order differs between runs: wrap it in sorted(...)"
    for node in ast.walk(source.tree):
        for iterated in _iterated(node):
            if _is_set(source, iterated) and not _inside(source, iterated, ORDER_BLIND):
                yield iterated, what


def _iterated(node: ast.AST) -> list[ast.expr]:
    """What this node takes the members of, one by one."""
    if isinstance(node, ast.For):
        return [node.iter]
    if isinstance(node, ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.Starred):
        return [node.value]
    if isinstance(node, ast.Call):
        joins = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
        if called(node) in ORDER_KEEPING or joins:
            return list(node.args)
    return []


def _is_set(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Set | ast.SetComp) or called(node) in SET_MAKERS:
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, SET_OPERATORS):
        return _is_set(source, node.left) or _is_set(source, node.right)
    if isinstance(node, ast.Name):
        return node.id in _set_names(_scope(source, node)) | _module_set_names(source)
    return isinstance(node, ast.Attribute) and node.attr in _set_fields(source)


def _scope(source: Source, node: ast.AST) -> ast.AST:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return next((a for a in source.ancestors(node) if isinstance(a, functions)), source.tree)


def _set_names(scope: ast.AST) -> set[str]:
    """Names that hold a set, by annotation or by what was assigned."""
    names: set[str] = set()
    for node in ast.walk(scope):
        if isinstance(node, ast.arg) and _annotates_set(node.annotation):
            names.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and _annotates_set(node.annotation):
            names.add(dotted(node.target))
        elif isinstance(node, ast.Assign) and _makes_set(node.value):
            names.update(dotted(target) for target in node.targets)
    return names


def _module_set_names(source: Source) -> set[str]:
    found: set[str] = set()
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and _makes_set(node.value):
            found.update(dotted(target) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and _annotates_set(node.annotation):
            found.add(dotted(node.target))
    return found


def _set_fields(source: Source) -> set[str]:
    """Fields of the file's own structs that hold a set."""
    return {
        dotted(field.target)
        for struct in source.classes()
        for field in struct.body
        if isinstance(field, ast.AnnAssign) and _annotates_set(field.annotation)
    }


def _makes_set(value: ast.expr) -> bool:
    return isinstance(value, ast.Set | ast.SetComp) or called(value) in SET_MAKERS


def _annotates_set(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return annotation is not None and dotted(annotation).rsplit(".", 1)[-1] in {
        *("set", "frozenset", "Set", "AbstractSet"),
    }


def _inside(source: Source, node: ast.AST, callers: set[str]) -> bool:
    """Whether the node is an argument of such a call, itself or as what a generator walks."""
    for above in source.ancestors(node):
        if called(above) in callers:
            return True
        if isinstance(above, ast.SetComp):
            return "set" in callers
        if not isinstance(above, ast.comprehension | ast.GeneratorExp | ast.ListComp):
            return False
    return False
