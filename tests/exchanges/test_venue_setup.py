"""Margin mode and leverage: brought to the settings while flat, else reported as a mismatch."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.prepared_exchange import PreparedExchange
from adapters.exchanges.venue_setup import SetupFinding, SymbolSetting, VenueSetup
from adapters.exchanges.wire.server import WireVenue
from application.inputs import Accepted, Refused
from application.work import NotSentError
from tests.exchanges.conftest import PREFIX
from tests.exchanges.stubs import SYMBOL, ticket

WANTED = SymbolSetting(symbol=SYMBOL, margin_mode="isolated", leverage=7)
READY = SetupFinding(symbol=SYMBOL, is_ready=True)


async def test_a_flat_symbol_is_brought_to_its_setting_and_read_back(
    exchange: CcxtExchange,
) -> None:
    setup = VenueSetup(exchange)
    assert not await setup._stands(WANTED)
    assert await setup.prepare([WANTED]) == [READY]
    assert await setup._stands(WANTED)


async def test_what_already_stands_needs_no_change(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    setup = VenueSetup(exchange)
    await setup.prepare([WANTED])
    await exchange.place(ticket(PREFIX + "A"))
    assert await setup.prepare([WANTED]) == [READY]


@pytest.mark.parametrize("price", [Decimal(50_000), Decimal(60_100)], ids=["order", "position"])
async def test_nothing_is_changed_under_an_open_order_or_position(
    exchange: CcxtExchange, price: Decimal
) -> None:
    setup = VenueSetup(exchange)
    await setup.prepare([WANTED])
    await exchange.place(ticket(PREFIX + "A", price=price))
    other = SymbolSetting(symbol=SYMBOL, margin_mode="isolated", leverage=9)
    (finding,) = await setup.prepare([other])
    assert not finding.is_ready
    assert "close it" in finding.detail
    assert await setup._stands(WANTED)


async def test_a_leverage_the_venue_does_not_take_is_reported(exchange: CcxtExchange) -> None:
    too_much = SymbolSetting(symbol=SYMBOL, margin_mode="cross", leverage=126)
    (finding,) = await VenueSetup(exchange).prepare([too_much])
    assert not finding.is_ready
    assert "126x" in finding.detail


async def test_a_venue_that_does_not_answer_leaves_every_symbol_unready(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("502_after", call="GET /fapi/v1/symbolConfig")
    (finding,) = await VenueSetup(exchange).prepare([WANTED])
    assert not finding.is_ready


HEDGED = SymbolSetting(symbol=SYMBOL, margin_mode="isolated", leverage=7, hedge_mode=True)


async def test_a_flat_account_is_brought_to_its_position_mode_and_back(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    setup = VenueSetup(exchange)
    assert await setup.prepare([HEDGED]) == [READY]
    assert venue.core.hedge_mode
    assert await setup.prepare([WANTED]) == [READY]
    assert not venue.core.hedge_mode


@pytest.mark.parametrize("price", [Decimal(2_000), None], ids=["order", "position"])
async def test_the_position_mode_never_changes_under_an_order_or_position_of_any_symbol(
    exchange: CcxtExchange, venue: WireVenue, price: Decimal | None
) -> None:
    other = {"symbol": "ETH/USDT:USDT", "price": price}
    await exchange.place(ticket(PREFIX + "A", **other))
    (finding,) = await VenueSetup(exchange).prepare([HEDGED])
    assert (finding.is_ready, finding.is_verified) == (False, True)
    assert "one-way" in finding.detail
    assert not venue.core.hedge_mode


async def test_a_mode_another_just_set_is_no_trouble(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    setup = VenueSetup(exchange)
    change = setup._change

    async def too_late(call: Any) -> None:
        if not venue.core.hedge_mode:
            venue.core.set_hedge_mode(hedge_mode=True)
        await change(call)

    setup._change = too_late  # type: ignore[method-assign]
    assert await setup.prepare([HEDGED]) == [READY]


@pytest.mark.parametrize("raw", ["true", 1, None])
async def test_a_position_mode_of_unknown_shape_is_never_guessed(
    exchange: CcxtExchange, raw: object
) -> None:
    async def answers(*_: object) -> dict[str, object]:
        return {"dualSidePosition": raw}

    exchange.client.api.fapiPrivateGetPositionSideDual = answers
    (finding,) = await VenueSetup(exchange).prepare([WANTED])
    assert not finding.is_verified


async def test_an_entry_in_the_wrong_mode_is_refused_and_an_exit_goes_through(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    prepared = PreparedExchange(exchange, lambda _: HEDGED)
    await exchange.place(ticket(PREFIX + "A", price=None))
    (refused,) = await prepared.place(ticket(PREFIX + "B", position_side="long"))
    assert isinstance(refused.report, Refused)
    assert "one-way" in refused.report.message
    closing = ticket(PREFIX + "C", side="sell", price=None, reduce_only=True)
    await prepared.place(closing)
    assert venue.positions() == {}


async def test_in_hedge_mode_an_exit_goes_through_though_the_symbol_was_changed_by_hand(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    """There an exit bears no reduce-only flag: its position side makes it one."""
    wanted = msgspec.structs.replace(HEDGED, leverage=9)
    venue.core.set_hedge_mode(hedge_mode=True)
    await exchange.place(ticket(PREFIX + "A", price=None, position_side="long"))
    prepared = PreparedExchange(exchange, lambda _: wanted)

    (refused,) = await prepared.place(ticket(PREFIX + "B", position_side="long"))
    assert isinstance(refused.report, Refused)
    await prepared.place(ticket(PREFIX + "C", side="sell", price=None, position_side="long"))
    assert venue.positions() == {}


async def test_the_legs_of_a_first_pyramid_do_not_get_into_each_others_way(
    exchange: CcxtExchange,
) -> None:
    prepared = PreparedExchange(exchange, lambda _: WANTED)
    legs = [ticket(PREFIX + name, price=Decimal(50_000)) for name in "ABCDE"]

    answers = await asyncio.gather(*(prepared.place(leg) for leg in legs))

    reports = [answer[0].report for answer in answers]
    assert [type(report) for report in reports] == [Accepted] * 5, reports


async def test_an_entry_waits_for_a_setup_that_could_not_be_verified(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("502_after", call="GET /fapi/v1/symbolConfig")
    prepared = PreparedExchange(exchange, lambda _: WANTED)

    with pytest.raises(NotSentError, match="not verified"):
        await prepared.place(ticket(PREFIX + "A", price=Decimal(50_000)))
    (accepted,) = await prepared.place(ticket(PREFIX + "A", price=Decimal(50_000)))
    assert isinstance(accepted.report, Accepted)


async def test_an_entry_waits_for_the_markets_to_be_known(exchange: CcxtExchange) -> None:
    exchange.instruments = {}
    prepared = PreparedExchange(exchange, lambda _: WANTED)

    (accepted,) = await prepared.place(ticket(PREFIX + "A", price=Decimal(50_000)))
    assert isinstance(accepted.report, Accepted)
