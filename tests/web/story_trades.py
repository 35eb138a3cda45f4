"""The trades of the account in the middle of a day: open ones in every state, and closed ones."""

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from projections.position_views import ExitView, GroupView, LegView, WaitingView
from tests.web.story import NOW

D = Decimal


def leg(group: str, pyramid: int, index: int, *, filled: bool, short: bool = False) -> LegView:
    gap = D("-0.5") * index * (-1 if short else 1)
    price = D("64250.1") * (1 + gap / 100)
    return LegView(
        leg_id=f"{group}-p{pyramid}-l{index}",
        pyramid_id=f"{group}-p{pyramid}",
        pyramid_index=pyramid,
        index=index,
        state="FILLED" if filled else "OPEN",
        price=price.quantize(D("0.1")),
        gap_percent=D("-0.5") * index,
        weight_percent=D(20),
        take_profit_percent=D("1.5"),
        target=(price * D("1.015")).quantize(D("0.1")),
        progress_percent=D("37.25") if filled and not index % 2 else D("-12.5"),
        quantity=D("0.031"),
        filled=D("0.031") if filled else D(0),
        average_fill=price.quantize(D("0.1")) if filled else None,
        open_quantity=D("0.031") if filled else D(0),
        realized=D(0),
        fees=D("0.39"),
        exit=_exit(f"{group}-p{pyramid}-l{index}", price * D("1.015")) if filled else None,
        stop=_stop(group) if filled else None,
        being_sold=False,
        unprotected=False,
        reason="",
    )


def _exit(exit_id: str, price: Decimal, reason: str = "") -> ExitView:
    """Of one leg: it rests at the venue, or is watched for this reason."""
    return ExitView(
        exit_id=exit_id,
        aim="take_profit",
        state="WATCHED" if reason else "RESTING",
        price=price.quantize(D("0.1")),
        quantity=D("0.031"),
        covers=1,
        client_order_id="" if reason else "PABCD2EFGH3IJKLMNOPQRSTUVWXYZ",
        reason=reason,
    )


def _stop(group: str) -> ExitView:
    return ExitView(
        exit_id=f"{group}-stop",
        aim="stop",
        state="WATCHED",
        price=D("61000.5"),
        quantity=D("0.155"),
        covers=5,
        client_order_id="",
        reason="stop execution is watch",
    )


def group(
    name: str, symbol: str, side: str, pnl: Decimal | None, state: str = "DCA_ACTIVE"
) -> GroupView:
    legs = tuple(
        leg(name, pyramid, index, filled=index < 3 - pyramid, short=side == "short")
        for pyramid in range(2)
        for index in range(5)
    )
    return GroupView(
        group_id=name,
        symbol=symbol,
        timeframe="15m",
        side=side,  # type: ignore[arg-type]
        state=state,  # type: ignore[arg-type]
        mode="per_leg",
        signal_id="s1",
        pyramids=2,
        max_pyramids=5,
        legs_filled=5,
        legs_total=10,
        quantity=D("0.155"),
        average_entry=D("63980.5512"),
        mark=D("64411.35") if pnl is not None else None,
        mark_at=NOW if pnl is not None else None,
        unrealized=pnl,
        realized=D("12.5"),
        funding=D("-0.87"),
        fees=D("3.9"),
        fees_pending=0,
        pnl=pnl,
        pnl_percent=None if pnl is None else pnl / 50,
        committed=D("4810.33"),
        exit=None,
        stop=_stop(name),
        trailed_from=D("64800"),
        reducing=False,
        reducing_reason="",
        unprotected_legs=0,
        opened_at=NOW - timedelta(hours=3, minutes=12),
        closing_reason="",
        closed_at=None,
        waiting=(),
        legs=legs,
    )


def groups(pnl: Decimal) -> tuple[GroupView, ...]:
    return (
        group("gaaaa", "BTC/USDT:USDT", "long", pnl),
        reduced(group("gbbbb", "ETH/USDT:USDT", "short", D("-41.1"), "PROFIT_TAKING")),
        group("gcccc", "SOL/USDT:USDT", "long", None, "CLOSING"),
        waiting(group("gdddd", "TIA/USDT:USDT", "long", D(0), "WAITING")),
    )


def closed() -> tuple[GroupView, ...]:
    """Trades of the morning, the latest first; a fee of the second has no value yet."""
    won = group("geeee", "BTC/USDT:USDT", "long", D("118.4"), "CLOSED")
    lost = group("gffff", "SOL/USDT:USDT", "short", D("-36.5"), "CLOSED")
    ended = {"mark": None, "unrealized": D(0), "quantity": D(0), "stop": None, "trailed_from": None}
    return (
        replace(
            won,
            realized=D("118.4"),
            closing_reason="flat",
            closed_at=NOW - timedelta(minutes=14),
            **ended,
        ),
        replace(
            lost,
            realized=D("-36.5"),
            funding=D(0),
            fees_pending=1,
            closing_reason="stop loss touched at 151.2",
            closed_at=NOW - timedelta(hours=2),
            **ended,
        ),
    )


def waiting(whole: GroupView) -> GroupView:
    """It holds its slot and capital; no order exists, for its market's rules are not known."""
    return replace(
        whole,
        waiting=(
            WaitingView(
                pyramid_id=f"{whole.group_id}-p0",
                index=0,
                entry_price=D("4.112"),
                capital=D(1000),
                waiting_since=NOW - timedelta(minutes=2),
                gives_up_at=NOW + timedelta(minutes=3),
            ),
        ),
        legs=(),
        pyramids=1,
        legs_filled=0,
        legs_total=0,
        quantity=D(0),
        average_entry=None,
        mark=None,
        mark_at=None,
        realized=D(0),
        funding=D(0),
        fees=D(0),
        pnl_percent=None,
        committed=D(1000),
        stop=None,
        trailed_from=None,
        opened_at=NOW - timedelta(minutes=2),
    )


def reduced(whole: GroupView) -> GroupView:
    """A part of it is being sold; of the rest one leg is watched, one waits, one has nothing."""
    first, second, third, *others = whole.legs
    legs = (
        replace(first, exit=None, being_sold=True),
        replace(second, exit=_exit(second.leg_id, D("63928.8"), "too small to rest at the venue")),
        replace(third, exit=None, unprotected=True),
        *others,
    )
    return replace(
        whole, legs=legs, unprotected_legs=1, reducing=True, reducing_reason="operator: half of it"
    )
