"""The API's reference as a page of our own: nothing of it comes from elsewhere."""

from collections.abc import Iterator, Mapping

import msgspec
from litestar import MediaType, get
from litestar.di import NamedDependency

from web.choice import Choice
from web.connection import AnyRequest
from web.guard import PAGE, session_of
from web.rendering import Pages
from web.shapes import kind_of, shape_of, shapes_of


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of an operation."""

    name: str
    place: str
    is_required: bool
    description: str


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `answers` are status and what it means.

    A success carries a `kind` of content, made of the named `shape`.
    """

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    answers: tuple[tuple[str, str], ...]
    shape: str
    kind: str


@get("/reference", opt={PAGE: True}, media_type=MediaType.HTML, include_in_schema=False)
async def show_reference(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    choice: NamedDependency[Choice],
) -> str:
    """Every operation of the schema, with its parameters and answers, and every shape of those."""
    schema = request.app.openapi_schema.to_schema()
    return pages.render(
        "reference.html",
        request,
        choice=choice,
        csrf=session_of(request).csrf,
        moment="",
        page="reference",
        operations=tuple(_operations(schema)),
        shapes=tuple(shapes_of(schema)),
    )


def _operations(schema: Mapping[str, object]) -> Iterator[Operation]:
    for path, methods in sorted(_mapping(schema.get("paths")).items()):
        for method, described in _mapping(methods).items():
            yield _operation(path, method, _mapping(described))


def _operation(path: str, method: str, described: Mapping[str, object]) -> Operation:
    parameters = described.get("parameters")
    answers = _mapping(described.get("responses"))
    content = _content(answers)
    return Operation(
        method=method.upper(),
        path=path,
        summary=str(described.get("summary", "")),
        description=str(described.get("description", "")),
        parameters=tuple(_parameters(parameters if isinstance(parameters, list) else [])),
        answers=tuple(
            (status, str(_mapping(answer).get("description", "")))
            for status, answer in sorted(answers.items())
        ),
        shape=shape_of(content),
        kind=kind_of(content) if content else "",
    )


def _content(answers: Mapping[str, object]) -> Mapping[str, object]:
    """What a success carries."""
    success = next((answers[status] for status in ("200", "202") if status in answers), None)
    body = _mapping(_mapping(success).get("content"))
    return _mapping(_mapping(body.get("application/json")).get("schema"))


def _parameters(described: list[object]) -> Iterator[Parameter]:
    for each in map(_mapping, described):
        yield Parameter(
            name=str(each.get("name", "")),
            place=str(each.get("in", "")),
            is_required=bool(each.get("required", False)),
            description=str(each.get("description", "")),
        )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
