"""The gate's rules, the limits and the causes of a hold, named as a trader would name them."""

from collections.abc import Mapping
from typing import Final

from application.processes.opposing import UNTIL_FLAT
from web.figures import words

RULES: Final[Mapping[str, str]] = {
    "trading_state": "trading state",
    "currency": "currency of the market",
    "market_rules": "market rules",
    "symbol_allowed": "symbol allowed",
    "leverage": "leverage",
    "discrepancy": "venue and books agree",
    "foreign_position": "no foreign position",
    "key_free": "no trade of its own open",
    "one_direction": "one direction a symbol",
    "max_open_groups": "open groups",
    "max_open_groups_per_symbol": "open groups of the symbol",
    "max_committed_capital": "committed capital",
    "max_committed_capital_per_symbol": "committed capital of the symbol",
    "max_daily_loss": "loss of the day",
    "mark_fresh": "age of the mark, seconds",
    "max_entry_deviation": "entry price off the mark, %",
    "max_drawdown": "drawdown, %",
    "cooldown": "cooldown after a loss, minutes",
    "free_balance": "free balance",
    "max_quantity": "largest order of the venue",
    "open_orders": "open orders at the venue",
    "price_band": "price band of the venue",
    "position_limit": "position limit of the venue",
    "liquidation_distance": "distance to liquidation, %",
}

# What must come to pass before a signal that was refused for now is admitted.
AWAITED: Final[Mapping[str, str]] = {
    "trading_state": "trading to be active",
    "currency": "its market's currency",
    "market_rules": "its market's rules",
    "symbol_allowed": "its symbol to be allowed",
    "leverage": "a leverage within the limit",
    "discrepancy": "a discrepancy to be cleared",
    "foreign_position": "a foreign position to be flat",
    "key_free": "its own trade to close",
    "one_direction": "the other side to be flat",
    "max_open_groups": "a free slot",
    "max_open_groups_per_symbol": "a free slot of its symbol",
    "max_committed_capital": "committed capital to be freed",
    "max_committed_capital_per_symbol": "capital of its symbol to be freed",
    "max_daily_loss": "the day's loss limit",
    "mark_fresh": "a fresh mark",
    "max_entry_deviation": "the mark to come back to its price",
    "max_drawdown": "the drawdown to be within its limit",
    "cooldown": "the cooldown of its symbol to end",
    "free_balance": "free balance at the venue",
    "max_quantity": "the venue's largest order to be known",
    "open_orders": "room among the venue's open orders",
    "price_band": "its prices to be within the venue's band",
    "position_limit": "room below the venue's position limit",
    "liquidation_distance": "the distance to its liquidation to be known",
    UNTIL_FLAT: "what it reverses to be flat",
}

LIMITS: Final[Mapping[str, str]] = {
    "max_daily_loss": "Loss of the day",
    "max_drawdown_percent": "Drawdown",
    "max_open_groups": "Open groups",
    "max_open_groups_per_symbol": "Open groups of a symbol",
    "max_committed_capital": "Committed capital",
    "max_committed_capital_per_symbol": "Committed of a symbol",
    "exposure": "Exposure",
    "balance_in_use": "Balance in use",
    "max_leverage": "Leverage",
    "max_mark_age_seconds": "Age of the marks",
}

CAUSES: Final[Mapping[str, str]] = {
    "operator": "Operator",
    "failed_input": "Failed input",
    "foreign_orders": "Unknown orders",
    "breaker": "Breaker",
    "emergency_stop": "Emergency stop",
    "dead_man": "Contact lost",
}


CRITERIA: Final[Mapping[str, str]] = {
    "open": "open",
    "not_reducing": "not being reduced",
    "not_blocked": "not kept out",
    "full": "pyramids",
    "timer": "minutes waited",
    "min_age": "minutes old",
    "mark_fresh": "age of the mark",
    "loss": "loss %",
}


def awaited(reason: str) -> str:
    """What a queued signal waits for: the rule that refused it, as what must come to pass."""
    return AWAITED.get(reason, words(reason))


def ruled(rule: str) -> str:
    """A rule of the gate by its name in words."""
    return RULES.get(rule, words(rule))


def limited(rule: str) -> str:
    """A limit by its name in words."""
    return LIMITS.get(rule, words(rule))


def criterion(name: str) -> str:
    """A condition that a loser must meet, in words."""
    return CRITERIA.get(name, words(name))


def held_by(cause: str) -> str:
    """What holds trading back, in words."""
    return CAUSES.get(cause, words(cause))
