"""The audit log: every event in words, found by what it is about."""

from application.journal import Recorded
from domain import identity
from domain.dca_leg import LegPlanned
from domain.message import Event
from domain.order import OrderRequested
from domain.position_group import PositionGroupOpened
from domain.pyramid import PyramidPlanned
from domain.trading_day import SignalRead
from projections.rows import (
    Append,
    Put,
    ReadModel,
    RowChange,
    Table,
    count,
    moment,
    same,
    text,
)
from projections.wording import describe

LOG = Table(
    name="audit_log",
    kind="appended",
    key=("account", "position"),
    columns=(
        text("account"),
        count("position"),
        moment("at"),
        text("name"),
        text("kind"),
        text("severity"),
        text("symbol"),
        text("subject"),
        text("group_id"),
        text("text"),
        text("event_id"),
        text("causation_id"),
        text("correlation_id"),
    ),
    indexes=(("account", "at"), ("account", "severity", "position")),
)
# What most events leave out, for they name only their subject.
SUBJECTS = Table(
    name="subjects",
    kind="current",
    key=("account", "subject"),
    columns=(text("account"), text("subject"), text("symbol"), text("group_id")),
)

_SUBJECT_FIELDS = (
    "client_order_id",
    "leg_id",
    "exit_id",
    "pyramid_id",
    "group_id",
    "signal_id",
    "subject",
    "symbol",
)
_PART_FIELDS = ("leg_id", "exit_id", "pyramid_id")
_INTRODUCTIONS = (OrderRequested, LegPlanned, PyramidPlanned, PositionGroupOpened, SignalRead)


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """A row for every event; whoever introduces a subject says what it belongs to."""
    event = recorded.event
    said = describe(event)
    log_row = Append(
        table="audit_log",
        values={
            **same(said, "kind", "severity", "symbol", "text"),
            **same(recorded, "account", "at", "event_id", "causation_id", "correlation_id"),
            "position": position,
            "name": event.NAME,
            "subject": subject_of(event),
            "group_id": group_of(event),
        },
    )
    if not isinstance(event, _INTRODUCTIONS):
        return (log_row,)
    belongs = {"symbol": event.symbol, "group_id": group_of(event)}
    introduced = (
        Put(table="subjects", key=(recorded.account, subject), values=belongs)
        for subject in _introduced_by(event)
    )
    return (log_row, *introduced)


def _introduced_by(event: Event) -> tuple[str, ...]:
    """A group brings its stop with it, which no event of its own says the symbol of."""
    if isinstance(event, PositionGroupOpened):
        return (event.group_id, identity.stop_id(event.group_id))
    return (subject_of(event),)


def subject_of(event: Event) -> str:
    """The narrowest thing an event names: its order, leg, exit, pyramid, group or signal."""
    about = _about(event)
    fields = _SUBJECT_FIELDS if about is event else ("signal_id", "symbol")
    for field in fields:
        value = getattr(about, field, "")
        if isinstance(value, str) and value:
            return value
    return ""


def group_of(event: Event) -> str:
    """The group an event names, or that the id of its leg, exit or pyramid begins with."""
    about = _about(event)
    named = getattr(about, "group_id", "")
    if named:
        return str(named)
    parts = (str(getattr(about, field, "")) for field in _PART_FIELDS)
    return identity.group_of(next(filter(None, parts), ""))


def _about(event: Event) -> object:
    """Some events carry the thing they are about whole."""
    for field in ("entry", "proposal", "discrepancy", "loser"):
        about = getattr(event, field, None)
        if about is not None:
            return about
    return event


MODEL = ReadModel(tables=(LOG, SUBJECTS), project=project, views=frozenset({"log"}))
