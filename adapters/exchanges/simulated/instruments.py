"""Markets by their unified symbol, and trading rules for those nobody has given."""

from decimal import Decimal, InvalidOperation

import msgspec

from domain.instrument import Instrument
from domain.money import ONE, ZERO

USD_QUOTES = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI"})
USD_MIN_NOTIONAL = Decimal(5)
OTHER_MIN_NOTIONAL = Decimal("0.0001")
TICK_EXPONENT_MIN = -8
SIGNIFICANT_DIGITS = 5
RULES = ("tick", "step", "min_quantity", "min_notional")


class UnifiedSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """`BTC/USDT` is spot; `BTC/USDT:USDT` is the linear perpetual settled in USDT."""

    base: str
    quote: str
    settle: str | None


def parse_symbol(text: str) -> UnifiedSymbol:
    """Take a unified symbol apart. Raises ValueError, naming what it was and an example."""
    pair, _, settle = text.partition(":")
    base, slash, quote = pair.partition("/")
    words = [base, quote, *([settle] if ":" in text else [])]
    if not slash or not all(word.isalnum() and word.upper() == word for word in words):
        message = f"symbol was {text!r}: write BTC/USDT for spot, BTC/USDT:USDT for a perpetual"
        raise ValueError(message)
    if settle and settle != quote:
        message = f"symbol was {text!r}: only linear perpetuals, settled in their quote, exist here"
        raise ValueError(message)
    return UnifiedSymbol(base=base, quote=quote, settle=settle or None)


def derive_instrument(symbol: str, first_open: Decimal) -> Instrument:
    """Trading rules from the size of the first open, e = ⌊log10⌋: about six digits of price.

    tick 10^max(−8, e−5), step = minimum quantity = 10^min(0, 1−e).
    Raises ValueError if the open is not positive.
    """
    if not first_open.is_finite() or first_open <= ZERO:
        message = f"first open of {symbol} was {first_open}: give a positive price"
        raise ValueError(message)
    parts = parse_symbol(symbol)
    exponent = first_open.adjusted()
    step = ONE.scaleb(min(0, 1 - exponent))
    return Instrument(
        symbol=symbol,
        venue_symbol=parts.base + parts.quote,
        kind="linear" if parts.settle else "spot",
        base=parts.base,
        quote=parts.quote,
        settle=parts.settle or parts.quote,
        tick=_power_of_ten(max(TICK_EXPONENT_MIN, exponent - SIGNIFICANT_DIGITS)),
        step=step,
        min_quantity=step,
        min_notional=USD_MIN_NOTIONAL if parts.quote in USD_QUOTES else OTHER_MIN_NOTIONAL,
    )


def parse_instrument(text: str) -> tuple[str, dict[str, Decimal]]:
    """`SYMBOL=tick:0.1,step:0.001,…` as symbol and rules; those not named stay derived.

    Raises ValueError naming the part, its value and the form to write.
    """
    symbol, equals, listed = text.partition("=")
    if not equals or not listed:
        message = f"instrument was {text!r}: write SYMBOL=tick:0.1,step:0.001"
        raise ValueError(message)
    parse_symbol(symbol)
    rules: dict[str, Decimal] = {}
    for part in listed.split(","):
        name, _, value = part.partition(":")
        if name not in RULES:
            message = f"rule of {symbol} was {part!r}: write one of {', '.join(RULES)}"
            raise ValueError(message)
        rules[name] = _positive(symbol, name, value)
    return symbol, rules


def with_rules(instrument: Instrument, rules: dict[str, Decimal]) -> Instrument:
    """The instrument with some rules given. A step given alone is the minimum quantity too."""
    given = dict(rules)
    if "step" in given:
        given.setdefault("min_quantity", given["step"])
    return msgspec.structs.replace(instrument, **given)


def _positive(symbol: str, name: str, value: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = ZERO
    if not number.is_finite() or number <= ZERO:
        message = f"{name} of {symbol} was {value!r}: give a positive decimal number"
        raise ValueError(message)
    return number


def _power_of_ten(exponent: int) -> Decimal:
    """10^exponent, without a positive exponent in its digits."""
    return Decimal(10) ** exponent if exponent >= 0 else ONE.scaleb(exponent)
