"""The body of a webhook: what it must have, and that its secret is nowhere kept."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.webhook_body import BodyRefused, body_hash, parse_body, redact

SECRET = "correct-horse-battery"


def alert(**changes: Any) -> dict[str, Any]:
    """A TradingView alert; each change names a field as `section__field`, None removes it."""
    body: dict[str, Any] = {
        "secret": SECRET,
        "source": "tradingview",
        "timestamp": "2026-01-05T10:00:00Z",
        "tv": {"symbol": "BTCUSDT.P", "timeframe": "15", "action": "buy"},
        "execution_intent": {"type": "signal", "side": "buy"},
    }
    for path in sorted(changes):
        section, _, field = path.partition("__")
        body.setdefault(section, {})[field] = changes[path]
    return body


def missing_of(**changes: Any) -> tuple[str, ...]:
    with pytest.raises(BodyRefused) as refusal:
        parse_body(json.dumps(alert(**changes)))
    return refusal.value.missing


def test_fields_are_read_as_their_text() -> None:
    body = parse_body(
        '{"tv": {"symbol": " BTCUSDT ", "entry_price": 60000.10, "timeframe": 15},'
        '"execution_intent": {"type": "signal", "side": "buy", "amount": ""}}'
    )

    assert (body.tv.symbol, body.tv.timeframe, body.tv.entry_price) == (
        "BTCUSDT",
        "15",
        "60000.10",
    )
    assert body.execution_intent.amount is None


def test_unknown_fields_are_ignored_wherever_they_stand() -> None:
    plain = parse_body(json.dumps(alert()))
    extended = parse_body(json.dumps({**alert(tv__volume=[1, {"a": 2}]), "plot": {"x": 1}}))

    assert extended == plain


def test_every_missing_field_of_an_entry_is_named() -> None:
    missing = missing_of(
        tv__symbol=None,
        tv__timeframe="",
        tv__action=None,
        execution_intent__side=None,
        execution_intent__type=None,
    )

    assert missing == (
        "tv.symbol",
        "execution_intent.type",
        "tv.timeframe",
        "execution_intent.side",
    )


def test_an_action_stands_in_for_the_side() -> None:
    assert parse_body(json.dumps(alert(execution_intent__side=None))).tv.action == "buy"


@pytest.mark.parametrize(
    "changes",
    [
        {"execution_intent__type": "exit"},
        {"tv__market_position": "flat"},
        {"execution_intent__type": "reduce"},
    ],
)
def test_what_closes_needs_only_a_symbol_and_a_type(changes: dict[str, str]) -> None:
    bare = {"tv__timeframe": None, "tv__action": None, "execution_intent__side": None, **changes}

    assert parse_body(json.dumps(alert(**bare))).tv.timeframe is None
    assert missing_of(**bare, tv__symbol=None) == ("tv.symbol",)


@pytest.mark.parametrize("text", ["", "buy BTC", "[]", "3", '{"tv": ', "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(BodyRefused) as refusal:
        parse_body(text)

    assert refusal.value.missing == ()


def test_a_section_that_is_no_object_counts_as_missing() -> None:
    with pytest.raises(BodyRefused) as refusal:
        parse_body('{"tv": "BTCUSDT", "execution_intent": {"type": "exit"}}')

    assert refusal.value.missing == ("tv.symbol",)


def test_redaction_changes_the_secret_and_not_one_other_byte() -> None:
    raw = b'{ "tv" : {"symbol":"BTC\\u0055SDT"},\n\t"secret" :  "s3cr3t-s3cr3t", "n": 1.50 }\n'

    redaction = redact(raw)

    assert redaction.secret == "s3cr3t-s3cr3t"
    assert redaction.body == (
        '{ "tv" : {"symbol":"BTC\\u0055SDT"},\n\t"secret" :  "", "n": 1.50 }\n'
    )


def test_a_body_without_a_secret_stays_as_it_is() -> None:
    redaction = redact(b'{"tv": {}}')

    assert (redaction.body, redaction.secret) == ('{"tv": {}}', None)


def test_an_escaped_secret_is_read_and_cut() -> None:
    redaction = redact(b'{"\\u0073ecret": "caf\\u00e9-\\"quoted\\""}')

    assert redaction.secret == 'café-"quoted"'
    assert redaction.body == '{"\\u0073ecret": ""}'


def test_of_a_repeated_secret_the_last_counts_and_none_is_kept() -> None:
    redaction = redact(b'{"secret": "first-first", "secret": "second-second"}')

    assert redaction.secret == "second-second"
    assert redaction.body == '{"secret": "", "secret": ""}'


def test_nested_secrets_are_cut_and_never_authenticate() -> None:
    redaction = redact(b'{"tv": {"secret": "inner-inner"}, "Secret": {"secret": ["a", {}]}}')

    assert redaction.secret is None
    assert redaction.body == '{"tv": {"secret": ""}, "Secret": ""}'


@pytest.mark.parametrize("value", ["12345678", "true", "null", '{"a": "b"}', '["a"]'])
def test_a_secret_that_is_no_text_is_cut_and_never_authenticates(value: str) -> None:
    redaction = redact(b'{"secret": ' + value.encode() + b', "a": 1}')

    assert (redaction.secret, redaction.body) == (None, '{"secret": "", "a": 1}')


def test_the_secret_is_masked_in_every_other_text_key_and_number() -> None:
    raw = b'{"secret": "20260105", "msg": "key=20260105!", "20260105": 1, "n": 202601050}'

    assert redact(raw).body == '{"secret": "", "msg": "key=***!", "***": 1, "n": null}'


def test_a_secret_that_cannot_be_told_from_the_body_is_refused() -> None:
    with pytest.raises(BodyRefused, match="choose a longer one"):
        redact(b'{"secret": ":", "a": "b"}')


def test_more_secrets_than_anyone_sends_are_refused() -> None:
    raw = b"{" + b", ".join(b'"secret": "secret-%d"' % number for number in range(9)) + b"}"

    with pytest.raises(BodyRefused, match="9 times"):
        redact(raw)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b'{"secret": "a"', b"secret=abc"])
def test_what_is_not_json_is_refused_before_anything_is_kept(raw: bytes) -> None:
    with pytest.raises(BodyRefused):
        redact(raw)


def test_the_hash_does_not_depend_on_the_secret() -> None:
    one = redact(json.dumps(alert(), separators=(",", ":")).encode())
    other = redact(
        json.dumps({**alert(), "secret": "another-secret"}, separators=(",", ":")).encode()
    )

    assert body_hash(one.body) == body_hash(other.body)
    assert body_hash(one.body) != body_hash(one.body + " ")


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
SECRETS = st.text(st.characters(codec="utf-8", categories=["L", "Nd", "P", "S"]), min_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def texts_of(value: object) -> list[str]:
    if isinstance(value, dict):
        inner = [text for item in value.values() for text in texts_of(item)]
        return [*value.keys(), *inner]
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    return [value] if isinstance(value, str) else []


@given(SECRETS, VALUES, TEXTS, st.booleans())
def test_no_secret_remains_however_the_body_holds_it(
    secret: str, value: object, around: str, escaped: bool
) -> None:
    document = {"a": value, "secret": secret, "b": {"note": around + secret + around, secret: 1}}
    raw = json.dumps(document, ensure_ascii=escaped).encode()

    redaction = redact(raw)

    assert redaction.secret == secret
    assert secret not in redaction.body
    decoded = msgspec.json.decode(redaction.body)
    assert not any(secret in text for text in texts_of(decoded))
    others = json.dumps(value, ensure_ascii=False)
    if secret not in others and "secret" not in others.lower():
        assert decoded["a"] == value


@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_redacted_or_refused(raw: bytes) -> None:
    try:
        redaction = redact(raw)
    except BodyRefused:
        return
    msgspec.json.decode(redaction.body)
