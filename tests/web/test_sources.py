"""Addresses of senders: TradingView's own four as the preset, mapped and plain alike."""

import pytest

from web.sources import TRADINGVIEW_ADDRESSES, is_listed


def test_the_preset_is_the_four_addresses_tradingview_publishes() -> None:
    assert sorted(TRADINGVIEW_ADDRESSES) == [
        "34.212.75.30",
        "52.32.178.7",
        "52.89.214.238",
        "54.218.53.128",
    ]


@pytest.mark.parametrize("address", sorted(TRADINGVIEW_ADDRESSES))
def test_each_of_them_is_on_the_preset_and_its_neighbour_is_not(address: str) -> None:
    first, _, last = address.rpartition(".")
    neighbour = f"{first}.{int(last) ^ 1}"

    assert is_listed(address, ("tradingview",))
    assert is_listed(f"::ffff:{address}", ("tradingview",))
    assert not is_listed(neighbour, ("tradingview",))
    assert not is_listed(address, ("203.0.113.0/24",))


@pytest.mark.parametrize("source", ["unknown", "", "tradingview", "52.89.214.238.evil.example"])
def test_what_is_no_address_is_on_no_list(source: str) -> None:
    assert not is_listed(source, ("tradingview", "0.0.0.0/0"))
