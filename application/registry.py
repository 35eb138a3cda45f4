"""Every event the log may hold, found by its stored NAME, old NAMEs included."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

import msgspec

import domain
from domain.message import Event

# Where stored events are defined. All of `domain` is imported, so that no new module can be
# forgotten here; classes defined elsewhere (in tests) are no part of the log.
EVENT_PACKAGES = ("domain", "application")
INPUTS_MODULE = "application.inputs"

Fields = dict[str, object]


class UnknownEventError(LookupError):
    """The log holds a NAME that this version of the software does not know."""


class Upcaster(msgspec.Struct, frozen=True, kw_only=True):
    """How fields stored under an old NAME become those of the NAME that replaced it. Pure."""

    target: str
    upcast: Callable[[Fields], Fields]


# Old NAME -> what to do. Chains are followed: v1 -> v2 -> v3. Entries are kept for ever.
UPCASTERS: Mapping[str, Upcaster] = MappingProxyType({})


@cache
def event_types() -> Mapping[str, type[Event]]:
    """All concrete events by NAME, sorted.

    Raises ImportError if a module that defines events cannot be imported, TypeError if two
    events claim one NAME.
    """
    for module in _event_modules():
        _import(module)
    found: dict[str, type[Event]] = {}
    for event_type in _concrete(Event):
        other = found.setdefault(event_type.NAME, event_type)
        if other is not event_type:
            raise TypeError(
                f"NAME {event_type.NAME!r} was claimed by {_path(other)} and {_path(event_type)};"
                " give the newer one a NAME of its own"
            )
    return MappingProxyType(dict(sorted(found.items())))


def current_form(
    name: str, raw: bytes, upcasters: Mapping[str, Upcaster] = UPCASTERS
) -> tuple[str, bytes]:
    """The NAME and JSON fields in force today for what was stored as `name` and `raw`."""
    if name not in upcasters:
        return name, raw
    fields: Fields = msgspec.json.decode(raw, type=dict[str, object])
    while name in upcasters:
        step = upcasters[name]
        name, fields = step.target, step.upcast(fields)
    return name, msgspec.json.encode(fields)


@cache
def event_decoder(name: str) -> "msgspec.json.Decoder[Event]":
    """Decodes the fields of the event NAME. Raises UnknownEventError."""
    types = event_types()
    if name not in types:
        raise UnknownEventError(
            f"event NAME {name!r} is not known to this version;"
            " run the release that wrote it, or a newer one"
        )
    return msgspec.json.Decoder(types[name])


def _event_modules() -> Iterator[str]:
    for info in pkgutil.iter_modules(domain.__path__):
        yield f"{domain.__name__}.{info.name}"
    yield INPUTS_MODULE


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"the events of module {module} could not be imported: {error};"
            " the log cannot be read without them"
        ) from error


def _concrete(parent: type[Event]) -> Iterator[type[Event]]:
    for child in parent.__subclasses__():
        if "NAME" in vars(child) and child.__module__.partition(".")[0] in EVENT_PACKAGES:
            yield child
        yield from _concrete(child)


def _path(event_type: type[Event]) -> str:
    return f"{event_type.__module__}.{event_type.__qualname__}"
