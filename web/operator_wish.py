"""One wish of an operator as it arrives: complete, or refused by the field that lacks something."""

from decimal import Decimal

import msgspec

from application.inputs import OperatorAction
from domain.money import HUNDRED, ZERO
from domain.transfer import AMOUNT_REMEDY, is_transferable
from web.answers import invalid

SUBJECT_LENGTH_MAX = 200
REASON_LENGTH_MAX = 500
ACTIONS_WITH_SUBJECT = frozenset(
    {
        *("close_group", "reduce_group", "clear_discrepancy"),
        *("promote_signal", "remove_signal", "force_add_signal"),
        *("offset_skip", "offset_block", "offset_unblock"),
    }
)
# What is done against the engine's own judgement needs a reason, and why.
ACTIONS_WITH_REASON = {
    "force_add_signal": "say why the limit of slots is to be passed",
    "reset_breaker": "say why the day's loss is to count anew",
    "record_transfer": "say where the money came from or went",
}


class OperatorWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One action on a group, a signal, a symbol or the account; `reason` is kept in the log.

    `percent` of the open quantity is what `reduce_group` closes: above 0, at most 100. `amount`
    of the capital currency is what `record_transfer` took in, below zero: out. The subject of an
    `emergency_stop` is the account's own name: the typed confirmation.
    """

    action: OperatorAction
    subject: str = ""
    reason: str = ""
    percent: Decimal | None = None
    amount: Decimal | None = None


def read_wish(raw: bytes, account: str) -> OperatorWish:
    """Read and check a wish for `account`. Raises Refused, naming the field."""
    try:
        wish = msgspec.json.decode(raw, type=OperatorWish)
    except (msgspec.DecodeError, ValueError) as error:
        remedy = f'send {{"action": …, "subject": …, "reason": …}} ({error})'
        raise invalid("body", "not usable", remedy) from error
    check_wish(wish, account)
    return wish


def check_wish(wish: OperatorWish, account: str) -> None:
    """Raise Refused if the wish names nothing to act on, lacks something, or says too much."""
    if wish.action in ACTIONS_WITH_SUBJECT and not wish.subject:
        raise invalid("subject", "empty", f"name what to {wish.action.replace('_', ' ')}")
    if wish.action in ACTIONS_WITH_REASON and not wish.reason.strip():
        raise invalid("reason", "empty", ACTIONS_WITH_REASON[wish.action])
    if wish.action == "emergency_stop" and wish.subject != account:
        remedy = f"type the account's name, {account}, to confirm: every trade will be closed"
        raise invalid("subject", wish.subject[:SUBJECT_LENGTH_MAX] or "empty", remedy)
    _check_percent(wish)
    _check_amount(wish)
    for field, text, most in (
        ("subject", wish.subject, SUBJECT_LENGTH_MAX),
        ("reason", wish.reason, REASON_LENGTH_MAX),
    ):
        if len(text) > most:
            raise invalid(field, f"{len(text)} characters long", f"use at most {most}")


def _check_percent(wish: OperatorWish) -> None:
    percent = wish.percent
    is_reduction = wish.action == "reduce_group"
    if percent is None and is_reduction:
        raise invalid("percent", "missing", "say how much of the open quantity is to be closed")
    if percent is not None and not is_reduction:
        raise invalid("percent", percent, "leave it out: only reduce_group closes a part")
    if percent is not None and not (percent.is_finite() and ZERO < percent <= HUNDRED):
        raise invalid("percent", percent, "write more than 0 and at most 100")


def _check_amount(wish: OperatorWish) -> None:
    amount = wish.amount
    is_transfer = wish.action == "record_transfer"
    if amount is None and is_transfer:
        raise invalid("amount", "missing", "say how much came in, or below zero: went out")
    if amount is not None and not is_transfer:
        raise invalid("amount", amount, "leave it out: only record_transfer moves money")
    if amount is not None and not is_transferable(amount):
        raise invalid("amount", amount, AMOUNT_REMEDY)
