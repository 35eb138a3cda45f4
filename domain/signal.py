"""One signal: what an authentic webhook wants done, read the way a trader means it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from domain.instrument import PositionSide
from domain.money import ZERO
from domain.timeframe import normalize_timeframe
from domain.webhook_body import Body, ChartFields

SignalKind = Literal["entry", "exit", "reduce", "reverse"]
MarketPosition = Literal["long", "short", "flat"]
AmountUnit = Literal["contracts", "base", "quote"]

DIGITS_MAX = 30

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NUMBER = re.compile(r"[0-9]{9,16}")
_SECONDS_DIGITS = 11
_MILLISECONDS_DIGITS = 14

_KINDS: dict[str, SignalKind] = {
    "signal": "entry",
    "exit": "exit",
    "reduce": "reduce",
    "reverse": "reverse",
}
_OPENED: dict[str, PositionSide] = {
    "long": "long",
    "short": "short",
    "buy": "long",
    "sell": "short",
}
_CLOSED: dict[str, PositionSide] = {
    "long": "long",
    "short": "short",
    "sell": "long",
    "buy": "short",
}
_POSITIONS: dict[str, MarketPosition] = {"long": "long", "short": "short", "flat": "flat"}
_UNITS: dict[str, AmountUnit] = {"contracts": "contracts", "base": "base", "quote": "quote"}


class BodyProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a well-formed body is no signal: the field, its value and what to do."""

    field: str
    value: str
    remedy: str

    def __str__(self) -> str:
        """As one line to show to the operator."""
        return f"{self.field} was {self.value}: {self.remedy}"


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. `symbol` as written; `timeframe` canonical, None = all timeframes.

    `side` is the group's: the one to open (entry, reverse) or to close (exit, reduce; None =
    both). `price` is in quote units, None = the mark. Sizes are TradingView's own.
    """

    kind: SignalKind
    symbol: str
    timeframe: str | None = None
    side: PositionSide | None = None
    price: Decimal | None = None
    timestamp: datetime | None = None
    idempotency_key: str | None = None
    amount: Decimal | None = None
    amount_unit: AmountUnit | None = None
    market_position: MarketPosition | None = None
    market_position_size: Decimal | None = None
    prev_market_position: MarketPosition | None = None
    prev_market_position_size: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    max_slippage_percent: Decimal | None = None

    @property
    def reduced_part(self) -> Decimal | None:
        """(prev - current) / prev of TradingView's position, 0 to 1; None if not a decrease."""
        before, after = self.prev_market_position_size, self.market_position_size
        if before is None or after is None or not ZERO <= after < before:
            return None
        return (before - after) / before


def read_signal(body: Body) -> Signal | BodyProblem:
    """What the body wants, or the first field that keeps it from being a signal.

    Of an exit only its symbol, side and timeframe are judged; whatever else is unreadable in
    it is left out, since nothing may keep an exit from being processed. A reverse names the
    side to open.
    """
    try:
        return _signal(body)
    except _Unreadable as unreadable:
        return unreadable.problem


def _signal(body: Body) -> Signal:
    kind: SignalKind = "exit" if body.closes else _kind(body)
    judged = _Reading(strict=kind != "exit")
    sized = _Reading(strict=kind == "reduce")
    if kind != "exit":
        _refuse_placeholders(body)

    tv, intent, risk = body.tv, body.execution_intent, body.risk
    signal = Signal(
        kind=kind,
        symbol=_filled_in("tv.symbol", tv.symbol),
        timeframe=_timeframe(tv.timeframe),
        side=_side(body, kind),
        price=_price(judged, tv),
        timestamp=judged.moment("timestamp", body.timestamp),
        idempotency_key=body.idempotency_key,
        amount=sized.positive("execution_intent.amount", intent.amount),
        amount_unit=sized.choice(
            "execution_intent.position_size_type", intent.position_size_type, _UNITS
        ),
        market_position=judged.choice("tv.market_position", tv.market_position, _POSITIONS),
        market_position_size=judged.number("tv.market_position_size", tv.market_position_size),
        prev_market_position=judged.choice(
            "tv.prev_market_position", tv.prev_market_position, _POSITIONS
        ),
        prev_market_position_size=judged.number(
            "tv.prev_market_position_size", tv.prev_market_position_size
        ),
        stop_loss=judged.positive("risk.stop_loss", risk.stop_loss),
        take_profit=judged.positive("risk.take_profit", risk.take_profit),
        max_slippage_percent=judged.positive(
            "risk.max_slippage_percent", risk.max_slippage_percent
        ),
    )
    if _scales_out(body, signal):
        # Its amount is TradingView's own and says nothing of what we hold: the share does.
        signal = msgspec.structs.replace(
            signal, kind="reduce", side=signal.market_position, amount=None, amount_unit=None
        )
    _refuse_incomplete(signal)
    return signal


def _scales_out(body: Body, signal: Signal) -> bool:
    """An order against a position that TradingView keeps, only smaller, is no entry: spec §2.

    The order is what `tv.action` names, also where the alert's own side names the position.
    """
    kept = signal.market_position
    if signal.kind != "entry" or kept not in ("long", "short") or signal.reduced_part is None:
        return False
    ordered = _OPENED.get((body.tv.action or "").lower(), kept)
    is_against = kept != ordered or signal.side not in (None, kept)
    return is_against and signal.prev_market_position in (None, kept)


def _refuse_incomplete(signal: Signal) -> None:
    if signal.kind in {"entry", "reverse"}:
        if signal.side is None:
            raise _Unreadable(
                field="execution_intent.side", value=None, remedy="write buy, sell, long or short"
            )
        if signal.timeframe is None:
            raise _Unreadable(
                field="tv.timeframe", value=None, remedy="write {{interval}} into the alert"
            )

    if signal.kind == "reduce" and signal.amount is None and signal.reduced_part is None:
        raise _Unreadable(
            field="execution_intent.amount",
            value=None,
            remedy="write an amount, or both of TradingView's position sizes",
        )


def _kind(body: Body) -> SignalKind:
    written = body.execution_intent.type
    kind = _Reading(strict=True).choice("execution_intent.type", written, _KINDS)
    if kind is None:
        raise _Unreadable(
            field="execution_intent.type", value=None, remedy=f"write one of {', '.join(_KINDS)}"
        )
    return kind


def _side(body: Body, kind: SignalKind) -> PositionSide | None:
    """`long` and `short` name the group; `buy` and `sell` name the order that acts on it."""
    opens = kind in {"entry", "reverse"}
    sides = _OPENED if opens else _CLOSED
    reading = _Reading(strict=True)

    written = body.execution_intent.side
    # An alert whose side is {{strategy.market_position}} says where it goes, not what it closes.
    if written is not None and written.lower() == "flat" and not opens:
        written = None
    side = reading.choice("execution_intent.side", written, sides)
    return side or reading.choice("tv.action", body.tv.action, sides)


def _timeframe(written: str | None) -> str | None:
    if written is None:
        return None
    canonical = normalize_timeframe(_filled_in("tv.timeframe", written))
    if canonical is None:
        raise _Unreadable(
            field="tv.timeframe", value=written, remedy="write {{interval}}, or such as 15, 4H, 1D"
        )
    return canonical


def _price(reading: "_Reading", tv: ChartFields) -> Decimal | None:
    price = reading.positive("tv.entry_price", tv.entry_price)
    return price or reading.positive("tv.close_price", tv.close_price)


class _Unreadable(Exception):  # noqa: N818 - it carries a problem out of the reading
    def __init__(self, field: str, value: str | None, remedy: str) -> None:
        self.problem = BodyProblem(field=field, value=value or "missing", remedy=remedy)
        super().__init__(str(self.problem))


V = TypeVar("V")


class _Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How fields are read: strictly, or leaving out what cannot be read."""

    strict: bool

    def choice(self, field: str, written: str | None, choices: Mapping[str, V]) -> V | None:
        """One of a few words, in any case."""
        if written is None:
            return None
        if written.lower() in choices:
            return choices[written.lower()]
        self._refuse(field, written, f"write one of {', '.join(choices)}")
        return None

    def number(self, field: str, written: str | None) -> Decimal | None:
        """An exact number, zero or more."""
        if written is None:
            return None
        if _NUMBER.fullmatch(written) and len(written) <= DIGITS_MAX and Decimal(written) >= ZERO:
            return Decimal(written)
        self._refuse(field, written, "write a plain number that is not negative")
        return None

    def positive(self, field: str, written: str | None) -> Decimal | None:
        """An exact number above zero."""
        number = self.number(field, written)
        if number is None or number > ZERO:
            return number
        self._refuse(field, written, "write a number above zero, or leave it out")
        return None

    def moment(self, field: str, written: str | None) -> datetime | None:
        """ISO 8601, UTC if it names no zone, or seconds, milli- or microseconds since 1970."""
        if written is None:
            return None
        moment = _moment(written)
        if moment is not None:
            return moment
        self._refuse(field, written, "write {{timenow}}, or an ISO 8601 time in UTC")
        return None

    def _refuse(self, field: str, written: str | None, remedy: str) -> None:
        if self.strict:
            raise _Unreadable(field, written, remedy)


def _moment(written: str) -> datetime | None:
    try:
        if _EPOCH_NUMBER.fullmatch(written):
            return _EPOCH + timedelta(microseconds=_microseconds(written))
        moment = datetime.fromisoformat(written)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _microseconds(epoch: str) -> int:
    """The unit shows in the number of digits: seconds have ten from 2001 to 2286."""
    if len(epoch) <= _SECONDS_DIGITS:
        return int(epoch) * 1_000_000
    if len(epoch) <= _MILLISECONDS_DIGITS:
        return int(epoch) * 1_000
    return int(epoch)


def _filled_in(field: str, written: str | None) -> str:
    if written is None:
        raise _Unreadable(field, None, "write it into the alert's message")
    if _PLACEHOLDER.search(written):
        raise _Unreadable(
            field, written, "TradingView did not fill it in: this alert does not know it"
        )
    return written


def _refuse_placeholders(body: Body) -> None:
    """Every field that may be acted on; what the alert calls itself is only kept."""
    _refuse_placeholders_of("", body, ("timestamp", "idempotency_key"))
    _refuse_placeholders_of("tv.", body.tv, body.tv.__struct_fields__)
    intent = body.execution_intent
    _refuse_placeholders_of("execution_intent.", intent, intent.__struct_fields__)
    _refuse_placeholders_of("risk.", body.risk, body.risk.__struct_fields__)


def _refuse_placeholders_of(prefix: str, fields: msgspec.Struct, names: Sequence[str]) -> None:
    for name in names:
        written = getattr(fields, name)
        if written is not None:
            _filled_in(prefix + name, written)
