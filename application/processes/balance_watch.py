"""Money that moves beside trading: transfers as they are told, and jumps nobody told of."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.inputs import BalanceSeen, OperatorActed
from application.journal import Recorded
from application.processes.equity import capital_of, figure, realized_of
from application.processes.refusals import order_refused
from domain.balance_sight import BalanceSight
from domain.equity import BalanceJumped, CompareBalance, TransferCapital
from domain.message import Command
from domain.money import ZERO, plain
from domain.pnl import combined
from domain.trading_day import AlertRaised, RaiseAlert
from domain.transfer import AMOUNT_REMEDY, is_transferable


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Record what an operator moved; lay each balance of the capital currency beside the books.

    A jump is told and nothing else: the equity is the books' own, no balance ever changes it.
    """
    match recorded.event:
        case OperatorActed(action="record_transfer") as acted:
            yield _transferred(book, acted)
        case BalanceSeen() as seen if _is_watched(book, seen):
            yield CompareBalance(sight=_sight(book, seen, recorded.at))
        case BalanceJumped() as jumped:
            yield _alert(book, jumped)
        case _:
            return


def _transferred(book: Book, acted: OperatorActed) -> Command:
    """Whoever takes out more than all is worth has mistyped it."""
    amount = acted.amount
    if amount is None or not is_transferable(amount):
        return order_refused(acted, f"amount was {amount}: {AMOUNT_REMEDY}")
    # What is open may be worth anything by tomorrow.
    held = capital_of(book) + realized_of(book)
    if amount < ZERO and held + amount <= ZERO:
        text = (
            f"amount was {plain(amount)}, and the account is worth {figure(held)} without its open"
            " trades: what is taken out must be less"
        )
        return order_refused(acted, text)
    return TransferCapital(amount=amount, reason=acted.reason, actor=acted.actor)


def _is_watched(book: Book, seen: BalanceSeen) -> bool:
    """A paper account's money is nowhere but in the books."""
    return (
        book.is_opened
        and not book.account.opened.paper
        and seen.currency == book.account.opened.currency
        and seen.total.is_finite()
    )


def _sight(book: Book, seen: BalanceSeen, now: datetime) -> BalanceSight:
    """Fees leave a balance as they are paid, and profits only as their lots are sold.

    On spot the cost of a lot has left it as well.
    """
    lot = combined([leg.lot for group in book.open_groups() for leg in book.legs_of(group)])
    spent = lot.cost if book.account.opened.market_kind == "spot" else ZERO
    return BalanceSight(
        total=seen.total,
        explained=book.equity.transfers + realized_of(book) - lot.entry_fee - spent,
        open_cost=lot.cost,
        seen_at=now,
    )


def _alert(book: Book, jumped: BalanceJumped) -> RaiseAlert:
    """Told once, with the command that records it: a transfer of that amount settles it."""
    currency = book.account.opened.currency
    text = (
        f"the venue's balance moved by {figure(jumped.amount)} {currency} up to"
        f" {jumped.sight.seen_at.isoformat()}, and no trade, fee, funding or recorded transfer"
        " explains it: if money came in or went out, say so with `plimsoll risk transfer"
        f" --account {book.account_name} --amount {figure(jumped.amount)} --reason …`; if not,"
        " compare the venue's own statement with `plimsoll export ledger`"
    )
    alert = AlertRaised(kind="balance_jump", severity="warning", subject=currency, text=text)
    return RaiseAlert(alert=alert)
