"""Who reads a setting: the sources are walked with the types that their annotations give."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("domain", "application", "adapters", "cli", "web")
# What defines, checks, foretells or shows a setting does not act on it.
OWN = (
    "domain/settings",
    "domain/worst_case.py",
    "application/offset_outlook.py",
    "cli/risk_status.py",
)

Scope: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
# `Book`, or `*Leg` for a collection of legs; none where no annotation tells.
Kind: TypeAlias = str | None
_COLLECTIONS = {
    *("tuple", "list", "set", "frozenset", "Sequence", "Iterator", "Iterable", "Collection"),
    *("dict", "Mapping", "deque"),
}


class Reading(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One place where a field of a struct is read."""

    struct: str
    field: str
    file: str
    line: int


class Sources:
    """The classes and functions of every room, with what their annotations say."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._trees = {file: ast.parse(texts[file]) for file in sorted(texts)}
        self._fields: dict[str, dict[str, set[Kind]]] = {}
        self._returns: dict[str, set[Kind]] = {}
        for tree in self._trees.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self._learn(node)
            for function in tree.body:
                if isinstance(function, Function):
                    self._returns.setdefault(function.name, set()).add(kind_of(function.returns))

    @classmethod
    def of_rooms(cls) -> "Sources":
        """Those of this checkout."""
        files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
        return cls({file.relative_to(ROOT).as_posix(): file.read_text() for file in files})

    def readings(self) -> list[Reading]:
        """Every attribute that is read of an object whose type is known, beyond settings' own."""
        found = [
            reading
            for file, tree in self._trees.items()
            if not file.startswith(OWN)
            for reading in self._read(file, tree, {}, "")
        ]
        return sorted(set(found))

    def callers(self, function: str) -> list[str]:
        """`file:line` of each call of a function by its name, beyond settings' own."""
        return [
            f"{file}:{node.lineno}"
            for file, tree in self._trees.items()
            if not file.startswith(OWN)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == function
        ]

    def _learn(self, node: ast.ClassDef) -> None:
        known = self._fields.setdefault(node.name, {})
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                known.setdefault(part.target.id, set()).add(kind_of(part.annotation))
            elif isinstance(part, Function):
                known.setdefault(part.name, set()).add(kind_of(part.returns))
                if part.name == "__init__":
                    self._learn_own(part, known)

    def _learn_own(self, init: Function, known: dict[str, set[Kind]]) -> None:
        """`self._x = x` of a parameter, `self._x = X(...)` of a class."""
        given = _parameters(init)
        for node in ast.walk(init):
            if not isinstance(node, ast.Assign):
                continue
            made = _constructed(node.value)
            kind = given.get(node.value.id) if isinstance(node.value, ast.Name) else made
            for target in node.targets:
                if isinstance(target, ast.Attribute) and kind is not None:
                    known.setdefault(target.attr, set()).add(kind)

    def _read(
        self, file: str, scope: Scope, outer: Mapping[str, Kind], owner: str
    ) -> Iterator[Reading]:
        names = dict(outer)
        if isinstance(scope, ast.ClassDef):
            owner = scope.name
        if isinstance(scope, Function):
            names |= _parameters(scope)
            names["self"] = owner or None
        own = list(_own_nodes(scope))
        # A name may be used in a loop before the line that binds it: twice is enough.
        for _ in range(2):
            for node in own:
                names |= self._bound(node, names)
        for node in own:
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                struct = self._kind(node.value, names)
                if struct is not None and not struct.startswith("*"):
                    yield Reading(struct=struct, field=node.attr, file=file, line=node.lineno)
            elif isinstance(node, Scope):
                yield from self._read(file, node, names, owner)

    def _bound(self, node: ast.AST, names: Mapping[str, Kind]) -> dict[str, Kind]:
        """The names that a node binds, with their kinds."""
        match node:
            case ast.Assign(targets=[target], value=value):
                return self._unpacked(target, value, names)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                return {name: self._kind(value, names)}
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                return {name: kind_of(annotation)}
            case ast.For(target=ast.Name(id=name), iter=each):
                return {name: element(self._kind(each, names))}
            case ast.comprehension(target=ast.Name(id=name), iter=each):
                return {name: element(self._kind(each, names))}
            case ast.MatchAs(pattern=ast.MatchClass(cls=ast.Name(id=kind)), name=str(name)):
                return {name: kind}
            case ast.MatchClass(cls=ast.Name(id=kind)):
                parts = zip(node.kwd_attrs, node.kwd_patterns, strict=True)
                return {
                    part.name: self._attribute(kind, field)
                    for field, part in parts
                    if isinstance(part, ast.MatchAs) and part.name is not None
                }
            case _:
                return {}

    def _unpacked(
        self, target: ast.expr, value: ast.expr, names: Mapping[str, Kind]
    ) -> dict[str, Kind]:
        match target, value:
            case ast.Name(id=name), _:
                found = self._kind(value, names)
                return {name: found} if found is not None else {}
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                bound: dict[str, Kind] = {}
                for one, part in zip(targets, values, strict=True):
                    bound |= self._unpacked(one, part, names)
                return bound
            case _:
                return {}

    def _kind(self, node: ast.expr, names: Mapping[str, Kind]) -> Kind:
        """What the annotations say an expression is."""
        match node:
            case ast.Name(id=name):
                return names.get(name)
            case ast.Attribute(value=value, attr=attr):
                return self._attribute(self._kind(value, names), attr)
            case ast.Call(func=ast.Name(id=name)):
                return name if name in self._fields else _only(self._returns.get(name))
            case ast.Call(func=ast.Attribute() as method):
                return self._kind(method, names)
            case ast.Subscript(value=value):
                return element(self._kind(value, names))
            case ast.IfExp(body=body, orelse=orelse):
                return self._kind(body, names) or self._kind(orelse, names)
            case ast.BoolOp(values=values):
                return next((k for k in (self._kind(v, names) for v in values) if k), None)
            case _:
                return None

    def _attribute(self, owner: Kind, name: str) -> Kind:
        return _only(self._fields.get(owner or "", {}).get(name))


def kind_of(annotation: ast.expr | None) -> Kind:
    """`Leg` of `Leg | None` and `"Leg"`, `*Leg` of `tuple[Leg, ...]`, none of what is no name."""
    match annotation:
        case ast.Constant(value=str(text)):
            return kind_of(ast.parse(text, mode="eval").body)
        case ast.Name(id=name):
            return name
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return kind_of(left) or kind_of(right)
        case ast.Subscript(value=ast.Name(id=name), slice=inner) if name in _COLLECTIONS:
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            told = [p for p in parts if not (isinstance(p, ast.Constant) and p.value is Ellipsis)]
            last = kind_of(told[-1])
            return None if last is None else f"*{last}"
        case _:
            return None


def element(kind: Kind) -> Kind:
    """What a collection holds."""
    return kind[1:] if kind is not None and kind.startswith("*") else None


def _only(kinds: set[Kind] | None) -> Kind:
    """Two classes of one name that disagree tell nothing."""
    return next(iter(kinds)) if kinds is not None and len(kinds) == 1 else None


def _constructed(value: ast.expr) -> Kind:
    """The class that is called, by the case of its name."""
    match value:
        case ast.Call(func=ast.Name(id=name)) if name[:1].isupper():
            return name
        case _:
            return None


def _parameters(function: Function) -> dict[str, Kind]:
    arguments = function.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return {argument.arg: kind_of(argument.annotation) for argument in every}


def _own_nodes(scope: Scope) -> Iterator[ast.AST]:
    """The nodes of a scope in the order of the source; an inner scope's own are left out."""
    for child in ast.iter_child_nodes(scope):
        yield from _within(child)


def _within(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, Scope):
        for child in ast.iter_child_nodes(node):
            yield from _within(child)
