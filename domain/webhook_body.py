"""The body of one webhook: the secret cut out, the fields we read, everything else left alone."""

import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

# Put where the secret's value stood in any other text of the body.
MASK = "***"

# Redaction comes before authentication, so what a stranger sends must stay cheap to search.
SECRETS_MAX = 8

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_PUNCTUATION = frozenset("{}[],:")
_SECRET_KEY = "secret"  # noqa: S105 - the name of the field, not a password


class BodyRefused(Exception):  # noqa: N818 - a refusal is named by what happened
    """The body is no JSON object, or lacks what every signal of its type must have."""

    def __init__(self, reason: str, missing: tuple[str, ...] = ()) -> None:
        """Keep the dotted names of the missing fields; empty if the body could not be read."""
        self.missing = missing
        super().__init__(reason)


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """A body that may be stored, and the secret it carried (None: none, or not a text)."""

    body: str
    secret: str | None


class ChartFields(msgspec.Struct, frozen=True, kw_only=True):
    """What TradingView says of the chart and of its own position, as written."""

    exchange: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    action: str | None = None
    market_position: str | None = None
    market_position_size: str | None = None
    prev_market_position: str | None = None
    prev_market_position_size: str | None = None
    entry_price: str | None = None
    close_price: str | None = None
    order_size: str | None = None


class StrategyFields(msgspec.Struct, frozen=True, kw_only=True):
    """What the alert calls itself. `trade_id` is not unique."""

    trade_id: str | None = None
    alert_name: str | None = None
    alert_message: str | None = None


class IntentFields(msgspec.Struct, frozen=True, kw_only=True):
    """What the alert wants done, as written."""

    type: str | None = None
    side: str | None = None
    position_size_type: str | None = None
    amount: str | None = None
    precision_mode: str | None = None
    strategy: str | None = None


class RiskFields(msgspec.Struct, frozen=True, kw_only=True):
    """The alert's own limits, as written."""

    stop_loss: str | None = None
    take_profit: str | None = None
    max_slippage_percent: str | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The fields we know, each as its text: a JSON number as its digits, null and "" as None."""

    idempotency_key: str | None = None
    source: str | None = None
    timestamp: str | None = None
    tv: ChartFields = ChartFields()
    strategy_info: StrategyFields = StrategyFields()
    execution_intent: IntentFields = IntentFields()
    risk: RiskFields = RiskFields()

    @property
    def closes(self) -> bool:
        """Whether it is an exit: by its type, or because TradingView is flat after it."""
        flat = (self.tv.market_position or "").lower() == "flat"
        return flat or (self.execution_intent.type or "").lower() == "exit"


def parse_body(body: str) -> Body:
    """Read a body. Raises BodyRefused if it is no JSON object or lacks a required field."""
    document = _decoded(body)
    if not isinstance(document, dict):
        msg = "the body was no JSON object: send one, as in the alert template"
        raise BodyRefused(msg)

    texts = _section(_TopFields, document)
    parsed = Body(
        idempotency_key=texts.idempotency_key,
        source=texts.source,
        timestamp=texts.timestamp,
        tv=_section(ChartFields, document.get("tv")),
        strategy_info=_section(StrategyFields, document.get("strategy_info")),
        execution_intent=_section(IntentFields, document.get("execution_intent")),
        risk=_section(RiskFields, document.get("risk")),
    )

    missing = tuple(_missing(parsed))
    if missing:
        msg = f"the body lacks {', '.join(missing)}: add it to the alert's message"
        raise BodyRefused(msg, missing)
    return parsed


def body_hash(redacted: str) -> str:
    """SHA-256, in hex, of a redacted body: resends are byte-identical, so equal."""
    return hashlib.sha256(redacted.encode()).hexdigest()


def redact(raw: bytes) -> Redaction:
    """Cut the secret out of a raw body and leave every other byte as it was sent.

    The value of every key `secret`, at any depth, becomes "". Where a text elsewhere holds
    the same characters they are masked. Raises BodyRefused if the body is not JSON, or if
    the secret is so short that it is part of JSON's own punctuation.
    """
    _decoded(raw)
    text = raw.decode()
    tokens = [_Token(start=m.start(), end=m.end(), raw=m.group()) for m in _TOKEN.finditer(text)]

    values = tuple(_secret_values(tokens))
    if len(values) > SECRETS_MAX:
        msg = f"the body names a secret {len(values)} times: send it once, in the outer object"
        raise BodyRefused(msg)

    secrets = sorted({value.text for value in values if value.text}, key=len, reverse=True)
    redacted = _rewritten(text, tokens, values, secrets)

    if any(secret in redacted for secret in secrets):
        msg = "the secret was too short to be told from the rest of the body: choose a longer one"
        raise BodyRefused(msg)

    of_the_alert = [value.text for value in values if value.depth == 1]
    return Redaction(body=redacted, secret=of_the_alert[-1] if of_the_alert else None)


class _TopFields(msgspec.Struct, frozen=True, kw_only=True):
    idempotency_key: str | None = None
    source: str | None = None
    timestamp: str | None = None


S = TypeVar("S", bound=msgspec.Struct)


def _decoded(body: str | bytes) -> object:
    try:
        return msgspec.json.Decoder(float_hook=Decimal).decode(body)
    except (msgspec.DecodeError, InvalidOperation, ValueError, RecursionError) as error:
        msg = f"the body was not JSON ({error}): send the alert template's JSON"
        raise BodyRefused(msg) from error


def _section(kind: type[S], value: object) -> S:
    """The known fields of one object; what is no object has none of them."""
    if not isinstance(value, dict):
        return kind()
    return kind(**{name: _text(value.get(name)) for name in kind.__struct_fields__})


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return None


def _missing(body: Body) -> Iterator[str]:
    """An exit needs a symbol and a type; what may open a position, side and timeframe too."""
    if body.tv.symbol is None:
        yield "tv.symbol"
    if body.execution_intent.type is None:
        yield "execution_intent.type"

    if body.closes or (body.execution_intent.type or "").lower() == "reduce":
        return
    if body.tv.timeframe is None:
        yield "tv.timeframe"
    if body.execution_intent.side is None and body.tv.action is None:
        yield "execution_intent.side"


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token of a text known to be JSON, and where it stands."""

    start: int
    end: int
    raw: str

    @property
    def is_text(self) -> bool:
        return self.raw.startswith('"')

    @property
    def text(self) -> str:
        """The characters a JSON string stands for."""
        return msgspec.json.decode(self.raw, type=str)


class _SecretValue(msgspec.Struct, frozen=True, kw_only=True):
    """Where the value of a key `secret` stands; `depth` 1 is the outermost object."""

    start: int
    end: int
    depth: int
    text: str | None


def _secret_values(tokens: list[_Token]) -> Iterator[_SecretValue]:
    depth = 0
    covered = 0

    for index, token in enumerate(tokens):
        if token.raw in {"{", "["}:
            depth += 1
        elif token.raw in {"}", "]"}:
            depth -= 1
        elif token.start >= covered and _is_secret_key(tokens, index):
            value = _value_after(tokens, index + 2, depth)
            covered = value.end
            yield value


def _is_secret_key(tokens: list[_Token], index: int) -> bool:
    followed_by_colon = index + 1 < len(tokens) and tokens[index + 1].raw == ":"
    token = tokens[index]
    return followed_by_colon and token.is_text and token.text.lower() == _SECRET_KEY


def _value_after(tokens: list[_Token], first: int, depth: int) -> _SecretValue:
    """The value that begins with token `first`: a whole object or list, or the one token."""
    last, nesting = first, 0
    for index in range(first, len(tokens)):
        nesting += tokens[index].raw in {"{", "["}
        nesting -= tokens[index].raw in {"}", "]"}
        last = index
        if nesting == 0:
            break

    text = tokens[first].text if tokens[first].is_text else None
    return _SecretValue(start=tokens[first].start, end=tokens[last].end, depth=depth, text=text)


def _rewritten(
    text: str, tokens: list[_Token], values: tuple[_SecretValue, ...], secrets: list[str]
) -> str:
    """The text with every secret value emptied and every other token masked that holds one."""
    parts: list[str] = []
    copied = 0

    for start, end, replacement in _replacements(tokens, values, secrets):
        parts += (text[copied:start], replacement)
        copied = end

    return "".join(parts) + text[copied:]


def _replacements(
    tokens: list[_Token], values: tuple[_SecretValue, ...], secrets: list[str]
) -> list[tuple[int, int, str]]:
    found = [(value.start, value.end, '""') for value in values]

    for token in tokens:
        inside = any(value.start <= token.start < value.end for value in values)
        shown = token.text if token.is_text else token.raw
        if inside or token.raw in _PUNCTUATION:
            continue
        if any(secret in shown for secret in secrets):
            found.append((token.start, token.end, _masked(token, secrets)))

    return sorted(found)


def _masked(token: _Token, secrets: list[str]) -> str:
    if not token.is_text:
        return "null"
    shown = token.text
    for secret in secrets:
        shown = shown.replace(secret, MASK)
    return msgspec.json.encode(shown).decode()
