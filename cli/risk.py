"""`plimsoll risk`: what holds trading back, and an operator's orders to the risk engine."""

from decimal import Decimal, InvalidOperation

import msgspec
import rich_click as click

from application.inputs import OperatorActed, OperatorAction
from application.loading import load_book
from cli.answers import fail, print_json
from cli.operating import (
    SHELL_REASON,
    Desk,
    Manner,
    answer,
    carried_out,
    open_desk,
    order_options,
    refused,
)
from cli.risk_status import hold_line, standing, status_of, told
from domain.brakes import BreakerReset
from domain.equity import CapitalTransferred, EmergencyStopped
from domain.holds import HoldCause, TradingState
from domain.money import ZERO, plain
from domain.transfer import AMOUNT_REMEDY, is_transferable

OPEN_BOOKS = "every entry is being cancelled and every trade closed"


@click.group(epilog="Example: plimsoll risk status --account paper")
def risk() -> None:
    """The brakes: status, pause, resume, halt, reset the breaker, transfer, emergency stop."""


@risk.command(epilog="Example: plimsoll risk status --json")
@click.option("--account", default="paper", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def status(account: str, *, as_json: bool) -> None:
    """What holds trading back, and how near loss, drawdown and capital are to their limits.

    By the marks that the log holds; an amount that they do not tell is unknown.
    """
    with open_desk(account) as desk:
        found = status_of(desk.book)
    if as_json:
        print_json(found)
        return
    click.echo("\n".join(told(found)))


@risk.command(epilog='Example: plimsoll risk pause --reason "news at 14:00"')
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def pause(reason: str, manner: Manner) -> None:
    """Take no new entries; exits, stops and the offset of losers go on."""
    _change_state("pause", reason, manner)


@risk.command(epilog='Example: plimsoll risk halt --reason "venue maintenance"')
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def halt(reason: str, manner: Manner) -> None:
    """Take no new entries and offset no losers; exits and stops go on."""
    _change_state("halt", reason, manner)


@risk.command(epilog='Example: plimsoll risk resume --reason "all clear"')
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def resume(reason: str, manner: Manner) -> None:
    """End a pause, a halt, an emergency stop, and what a failed input held back.

    The breaker has a reset of its own, and lost contact ends when it comes back.
    """
    _change_state("resume", reason, manner)


@risk.command("reset-breaker", epilog='Example: plimsoll risk reset-breaker --reason "bad print"')
@click.option("--reason", required=True, help="Why the loss counts anew; kept in the log.")
@order_options
def reset_breaker(reason: str, manner: Manner) -> None:
    """Let the day's loss count anew from here: another full risk.max_daily_loss trips it again."""
    if not reason.strip():
        fail("--reason was empty: say why the day's loss is to count anew")
    with open_desk(manner.account) as desk:
        answered = carried_out(desk, _acted("reset_breaker", "", reason, manner), manner)
        if answered is None:
            return
        reset = answered.first(BreakerReset)
        if reset is None:
            fail(f"the breaker was not reset: {refused(desk, 'reset_breaker', answered)}")
        after = _after(desk)
    outcome = {
        "input_id": answered.input_id,
        "outcome": "reset",
        "counted_from": reset.reference,
        "trading_state": after.trading_state,
        "holds": after.causes,
    }
    words = f"the breaker is reset; the day's loss counts from a result of {plain(reset.reference)}"
    answer("\n".join([words, *after.lines]), outcome, manner)


@risk.command(epilog='Example: plimsoll risk transfer --amount -250 --reason "to savings"')
@click.option("--amount", required=True, help="In the capital currency; below 0: taken out.")
@click.option("--reason", required=True, help="Where from or where to; kept in the log.")
@order_options
def transfer(amount: str, reason: str, manner: Manner) -> None:
    """Tell that money came in or went out: neither a profit nor a drawdown."""
    if not reason.strip():
        fail("--reason was empty: say where the money came from or went")
    acted = OperatorActed(
        action="record_transfer",
        subject="",
        actor=manner.actor,
        reason=reason,
        amount=_money(amount),
    )
    with open_desk(manner.account) as desk:
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        moved = answered.first(CapitalTransferred)
        if moved is None:
            fail(f"the transfer was not recorded: {refused(desk, 'record_transfer', answered)}")
    outcome = {
        "input_id": answered.input_id,
        "outcome": "recorded",
        "amount": moved.amount,
        "total": moved.total,
    }
    words = f"a transfer of {plain(moved.amount)} is recorded, {plain(moved.total)} in all"
    answer(words, outcome, manner)


@risk.command("emergency-stop", epilog="Example: plimsoll risk emergency-stop --confirm paper")
@click.option("--confirm", metavar="NAME", help="The account's name; asked for if not given.")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def emergency_stop(confirm: str | None, reason: str, manner: Manner) -> None:
    """Cancel every entry, close every trade at market, and halt until you resume."""
    with open_desk(manner.account) as desk:
        typed = confirm if confirm is not None else _typed(desk)
        if typed != desk.account:
            fail(f"what was typed was {typed!r}, the account is {desk.account!r}: nothing was done")
        acted = _acted("emergency_stop", typed, reason, manner)
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        if answered.first(EmergencyStopped) is None:
            fail(f"nothing was stopped: {refused(desk, 'emergency_stop', answered)}")
    outcome = {"input_id": answered.input_id, "outcome": "stopped", "account": desk.account}
    answer(f"{desk.account} is halted: {OPEN_BOOKS}", outcome, manner)


class _After(msgspec.Struct, frozen=True, kw_only=True):
    """What trading is once an order was carried out, and every cause that still holds it back."""

    trading_state: TradingState
    causes: tuple[HoldCause, ...]
    lines: tuple[str, ...]


def _change_state(action: OperatorAction, reason: str, manner: Manner) -> None:
    with open_desk(manner.account) as desk:
        answered = carried_out(desk, _acted(action, "", reason, manner), manner)
        if answered is None:
            return
        after = _after(desk)
    outcome: dict[str, object] = {
        "input_id": answered.input_id,
        "outcome": after.trading_state,
        "holds": after.causes,
    }
    answer("\n".join(after.lines), outcome, manner)


def _after(desk: Desk) -> _After:
    book = load_book(desk.log, desk.account)
    state, holds = book.risk.trading_state, standing(book.brakes)
    lines = [f"trading is {state}", *(hold_line(hold, book.date) for hold in holds)]
    causes = tuple(hold.cause for hold in holds)
    return _After(trading_state=state, causes=causes, lines=tuple(lines))


def _typed(desk: Desk) -> str:
    question = (
        f"Every entry of {desk.account} is cancelled, every trade closed at market."
        " Type the account's name to confirm"
    )
    typed: str = click.prompt(question, err=True, default="", show_default=False)
    return typed


def _money(written: str) -> Decimal:
    try:
        amount = Decimal(written)
    except InvalidOperation:
        amount = ZERO
    if not is_transferable(amount):
        fail(f"--amount was {written}: {AMOUNT_REMEDY}")
    return amount


def _acted(action: OperatorAction, subject: str, reason: str, manner: Manner) -> OperatorActed:
    return OperatorActed(action=action, subject=subject, actor=manner.actor, reason=reason)
