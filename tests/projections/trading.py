"""A trade told by hand, event for event, as the engine would have recorded it."""

from decimal import Decimal

import msgspec

from application.inputs import (
    Accepted,
    OrderReported,
    Traded,
)
from domain.dca_leg import (
    LegEntryEnded,
    LegEntryFilled,
    LegExitFilled,
    LegPlanned,
)
from domain.exit import ExitEnded, ExitRequested
from domain.gate import EntryProposal, ProposedLeg, RuleCheck
from domain.grid import PlannedLeg, SkippedLeg
from domain.identity import leg_id, pyramid_id
from domain.order import OrderAccepted, OrderFilled, OrderRequested
from domain.position_group import (
    PositionGroupClosed,
    PositionGroupClosing,
    PositionGroupOpened,
    PyramidAdmitted,
)
from domain.pyramid import PyramidClosed, PyramidPlanned
from domain.risk_engine import CommitmentChanged, ProfitRecorded, RiskApproved, SlotFreed
from domain.settings import Settings
from domain.trading_day import SignalJudged
from tests.projections.story import ENTRY, MORNING, SYMBOL, D, Story, opened_account, read, signal

GROUP = "gabc"
TARGET = D(60600)
GAIN = D("5.76")


def leg_name(index: int = 0) -> str:
    """The id of a leg of the first pyramid."""
    return leg_id(pyramid_id(GROUP, 0), index)


def proposal(signal_id: str = "s1") -> EntryProposal:
    """Two legs of 0.01 at 60 000 and 59 000."""
    legs = tuple(
        ProposedLeg(
            leg_id=leg_name(index),
            leg=PlannedLeg(
                index=index,
                price=price,
                quantity=D("0.01"),
                notional=price * D("0.01"),
                gap_percent=D(0),
                weight_percent=D(50),
                take_profit_percent=D(1),
            ),
            reserve_price=price,
            reserve=price * D("0.01"),
        )
        for index, price in enumerate((D(60000), D(59000)))
    )
    return EntryProposal(
        signal_id=signal_id,
        group_id=GROUP,
        pyramid_id=pyramid_id(GROUP, 0),
        index=0,
        symbol=SYMBOL,
        timeframe="15",
        side="long",
        entry_price=D(60000),
        capital=D(1200),
        contract_size=D(1),
        legs=legs,
        skipped=(),
    )


def opened_group(story: Story, signal_id: str = "s1") -> Story:
    """A signal admitted: one pyramid of two legs and a skipped third, orders requested."""
    settings = Settings()
    pyramid = pyramid_id(GROUP, 0)
    check = RuleCheck(rule="trading_state", value="active", limit="active", passed=True)
    signal(story, signal_id).then(
        read(signal_id),
        RiskApproved(proposal=proposal(signal_id), receipt=(check,)),
        PositionGroupOpened(
            group_id=GROUP,
            symbol=SYMBOL,
            timeframe="15",
            side="long",
            signal_id=signal_id,
            grid=settings.grid,
            exits=settings.exits,
            capital=settings.capital,
            settings_version=1,
            opened_at=MORNING,
        ),
        PyramidAdmitted(group_id=GROUP, pyramid_id=pyramid, index=0, signal_id=signal_id),
        PyramidPlanned(
            pyramid_id=pyramid,
            group_id=GROUP,
            index=0,
            signal_id=signal_id,
            symbol=SYMBOL,
            side="long",
            entry_price=D(60000),
            capital=D(1200),
            leg_ids=(leg_name(0), leg_name(1)),
            skipped=(
                SkippedLeg(index=2, reason="min_notional", price=D(58000), quantity=D("0.0001")),
            ),
            planned_at=MORNING,
        ),
    )
    for planned in proposal(signal_id).legs:
        story.then(_planned(planned, signal_id), requested(f"E{planned.leg.index}", planned))
    return story.then(SignalJudged(signal_id=signal_id, outcome="admitted", group_id=GROUP))


def _planned(planned: ProposedLeg, signal_id: str) -> LegPlanned:
    return LegPlanned(
        leg_id=planned.leg_id,
        group_id=GROUP,
        pyramid_id=pyramid_id(GROUP, 0),
        index=planned.leg.index,
        signal_id=signal_id,
        symbol=SYMBOL,
        side="long",
        price=planned.leg.price,
        quantity=planned.leg.quantity,
        gap_percent=planned.leg.gap_percent,
        weight_percent=planned.leg.weight_percent,
        take_profit_percent=planned.leg.take_profit_percent,
        contract_size=D(1),
        reserve_price=planned.reserve_price,
        planned_at=MORNING,
    )


def requested(client_order_id: str, planned: ProposedLeg) -> OrderRequested:
    """The entry order of a leg."""
    return OrderRequested(
        client_order_id=client_order_id,
        purpose="entry",
        symbol=SYMBOL,
        side="buy",
        quantity=planned.leg.quantity,
        price=planned.leg.price,
        time_in_force="gtc",
        reduce_only=False,
        group_id=GROUP,
        pyramid_id=pyramid_id(GROUP, 0),
        leg_id=planned.leg_id,
        signal_id="s1",
        attempt=1,
        requested_at=MORNING,
        send_before=None,
    )


def accepted(story: Story, client_order_id: str) -> Story:
    """The venue has the order."""
    report = Accepted(venue_order_id=f"v-{client_order_id}")
    return story.input(OrderReported(client_order_id=client_order_id, report=report), "s1").then(
        OrderAccepted(client_order_id=client_order_id, venue_order_id=f"v-{client_order_id}")
    )


def _traded(story: Story, client_order_id: str, price: Decimal) -> Story:
    report = Traded(
        trade_id=f"t-{client_order_id}",
        price=price,
        quantity=D("0.01"),
        fee=D("0.12"),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=MORNING,
    )
    return story.input(OrderReported(client_order_id=client_order_id, report=report), "s1").then(
        OrderFilled(
            client_order_id=client_order_id,
            trade_id=f"t-{client_order_id}",
            price=price,
            quantity=D("0.01"),
            filled=D("0.01"),
            fee=D("0.12"),
            fee_asset="USDT",
            liquidity="maker",
            traded_at=MORNING,
        )
    )


def entered(story: Story, index: int = 0, price: Decimal = ENTRY) -> Story:
    """A leg's entry fills at once, and its exit is requested at + 1 %."""
    leg = leg_name(index)
    target = price * D("1.01")
    return _traded(story, f"E{index}", price).then(
        LegEntryFilled(
            leg_id=leg,
            client_order_id=f"E{index}",
            trade_id=f"t-E{index}",
            price=price,
            quantity=D("0.01"),
            cost=price * D("0.01"),
            fee=D("0.12"),
            fee_asset="USDT",
            fee_value=D("0.12"),
            traded_at=MORNING,
        ),
        LegEntryEnded(leg_id=leg, reason="filled"),
        CommitmentChanged(
            leg_id=leg, group_id=GROUP, symbol=SYMBOL, resting=D(0), open_cost=price * D("0.01")
        ),
        exit_requested(index, target),
        OrderRequested(
            client_order_id=f"X{index}",
            purpose="take_profit",
            symbol=SYMBOL,
            side="sell",
            quantity=D("0.01"),
            price=target,
            time_in_force="gtc",
            reduce_only=True,
            group_id=GROUP,
            pyramid_id=pyramid_id(GROUP, 0),
            leg_id=leg,
            signal_id="s1",
            attempt=1,
            requested_at=MORNING,
            send_before=None,
            covers=(leg,),
        ),
    )


def exit_requested(index: int = 0, price: Decimal = TARGET) -> ExitRequested:
    """A take-profit of a leg's whole lot is to rest at the venue."""
    return ExitRequested(
        exit_id=leg_name(index),
        covers=(leg_name(index),),
        group_id=GROUP,
        aim="take_profit",
        price=price,
        quantity=D("0.01"),
        client_order_id=f"X{index}",
        attempt=1,
        requested_at=MORNING,
    )


def exit_ended(index: int = 0, reason: str = "filled") -> ExitEnded:
    """That order is final."""
    leg = leg_name(index)
    return ExitEnded(
        exit_id=leg, covers=(leg,), client_order_id=f"X{index}", reason=reason, ended_at=MORNING
    )


def exited(story: Story, index: int = 0, price: Decimal = TARGET) -> Story:
    """A leg's exit fills at once: 6 of gain less two fees of 0.12."""
    leg = leg_name(index)
    realized = (price - D(60000)) * D("0.01") - D("0.24")
    return _traded(story, f"X{index}", price).then(
        LegExitFilled(
            leg_id=leg,
            client_order_id=f"X{index}",
            trade_id=f"t-X{index}",
            price=price,
            quantity=D("0.01"),
            cost=D(600),
            entry_fee=D("0.12"),
            fee=D("0.12"),
            fee_asset="USDT",
            fee_value=D("0.12"),
            realized=realized,
            traded_at=MORNING,
        ),
        exit_ended(index),
        CommitmentChanged(leg_id=leg, group_id=GROUP, symbol=SYMBOL, resting=D(0), open_cost=D(0)),
        ProfitRecorded(leg_id=leg, group_id=GROUP, amount=realized, total=realized),
    )


def closed_group(story: Story, realized: Decimal = GAIN) -> Story:
    """Flat: the other leg's entry ended, the group closed, its slot free."""
    fees = D("0.24")
    other = leg_name(1)
    return story.then(
        PositionGroupClosing(group_id=GROUP, reason="flat", signal_id="", closing_at=MORNING),
        LegEntryEnded(leg_id=other, reason="cancelled"),
        CommitmentChanged(
            leg_id=other, group_id=GROUP, symbol=SYMBOL, resting=D(0), open_cost=D(0)
        ),
        PyramidClosed(pyramid_id=pyramid_id(GROUP, 0), realized=realized, fees=fees),
        PositionGroupClosed(
            group_id=GROUP, reason="flat", realized=realized, fees=fees, closed_at=MORNING
        ),
        SlotFreed(group_id=GROUP, symbol=SYMBOL),
    )


def whole_trade(story: Story | None = None) -> Story:
    """From the account's opening to a closed group with a gain of 5.76."""
    told = opened_group(opened_account(story or Story()))
    accepted(accepted(told, "E0"), "E1")
    entered(told.wait(minutes=1))
    accepted(told, "X0")
    return closed_group(exited(told.wait(minutes=5)))


def requested_close(story: Story, quantity: Decimal, **terms: object) -> Story:
    """One order sells all that is left, for a fee of 0.3, and fills at 60 000.

    `terms` are those in which the order differs, one that reduces or stops the trade.
    """
    order = OrderRequested(
        client_order_id="C",
        purpose="close",
        symbol=SYMBOL,
        side="sell",
        quantity=quantity,
        price=None,
        time_in_force="ioc",
        reduce_only=True,
        group_id=GROUP,
        pyramid_id="",
        leg_id="",
        signal_id="s1",
        attempt=1,
        requested_at=MORNING,
        send_before=None,
    )
    filled = OrderFilled(
        client_order_id="C",
        trade_id="t-C",
        price=ENTRY,
        quantity=quantity,
        filled=quantity,
        fee=D("0.3"),
        fee_asset="USDT",
        liquidity="taker",
        traded_at=MORNING,
    )
    return story.then(msgspec.structs.replace(order, **terms), filled)
