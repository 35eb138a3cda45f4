"""The day's loss: what counts, from where it counts, and what is unknown of it."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.day_loss import DayLoss
from domain.money import DECISION_CONTEXT

D = Decimal
LIMIT = D(500)
AMOUNTS = st.decimals(min_value=-10_000, max_value=10_000, places=2)


def loss(realized: str, open_loss: str | None = "0", reference: str = "0") -> DayLoss:
    lost = None if open_loss is None else D(open_loss)
    return DayLoss(realized=D(realized), open_loss=lost, reference=D(reference))


@pytest.mark.parametrize(
    ("day", "amount"),
    [
        (loss("0"), "0"),
        (loss("120"), "0"),
        (loss("-120"), "120"),
        (loss("-120", "30"), "150"),
        (loss("200", "30"), "0"),
        (loss("200", "250"), "50"),
        (loss("-620", "0", "-600"), "20"),
        (loss("-550", "0", "-600"), "0"),
        (loss("-590", "40", "-600"), "30"),
    ],
)
def test_a_loss_is_what_the_day_lost_since_its_reference_and_a_gain_is_none(
    day: DayLoss, amount: str
) -> None:
    assert day.amount == D(amount)


@pytest.mark.parametrize(
    ("realized", "allows"), [("-499.99999999", True), ("-500", False), ("-500.00000001", False)]
)
def test_reaching_the_limit_is_too_much(realized: str, allows: bool) -> None:
    assert loss(realized).allows(LIMIT) is allows
    assert loss(realized).allows(None)


def test_after_a_reset_another_full_limit_is_allowed() -> None:
    assert loss("-1099.99", "0", "-600").allows(LIMIT)
    assert not loss("-1100", "0", "-600").allows(LIMIT)


@pytest.mark.parametrize(
    "unknown", [loss("100", None), loss("100", "NaN"), loss("NaN"), loss("Infinity")]
)
def test_what_cannot_be_told_allows_nothing(unknown: DayLoss) -> None:
    assert unknown.result is None
    assert unknown.amount is None
    assert not unknown.allows(LIMIT)
    assert unknown.allows(None)


def test_what_is_known_of_a_loss_is_never_more_than_the_loss() -> None:
    assert loss("-100", None).known.amount == D(100)
    assert loss("-100", "NaN").known.amount == D(100)
    assert loss("-100", "40").known == loss("-100", "40")
    assert loss("NaN", None).known.amount is None


@given(realized=AMOUNTS, open_loss=AMOUNTS.map(abs), reference=AMOUNTS)
def test_a_loss_is_never_negative_and_a_reset_starts_it_at_zero(
    realized: Decimal, open_loss: Decimal, reference: Decimal
) -> None:
    with localcontext(DECISION_CONTEXT):
        day = DayLoss(realized=realized, open_loss=open_loss, reference=reference)
        result = day.result
        assert result is not None
        anew = DayLoss(realized=realized, open_loss=open_loss, reference=result)

        assert day.amount is not None
        assert day.amount >= 0
        assert anew.amount == 0
        assert DayLoss(realized=realized, open_loss=None, reference=reference).known.amount == max(
            D(0), reference - realized
        )
