"""The queue as it stands: who comes first, and what each would get if it were promoted now."""

from decimal import Decimal

from application.book import Book
from application.processes.proposals import EntryWish, NoProposal, propose
from application.processes.waiting import is_beyond
from domain.gate import EntryProposal
from domain.identity import trade_key
from domain.money import plain
from domain.queue import QueuedSignal, RankContext, Ranked, ranked


def current_ranking(book: Book, *, without_group: str = "") -> list[Ranked]:
    """The queue, best first, by today's rules, marks and open groups."""
    open_groups = (group.opened for group in book.open_groups())
    groups = [opened for opened in open_groups if opened.group_id != without_group]
    context = RankContext(
        marks={symbol: book.marks[symbol].price for symbol in sorted(book.marks)},
        continued_keys=tuple(trade_key(g.symbol, g.timeframe, g.side) for g in groups),
    )
    return list(ranked(book.queue, book.account.settings.queue.rules, context))


def proposal_of(book: Book, entry: QueuedSignal) -> EntryProposal | NoProposal:
    """The ladder a waiting signal would get now, or why none can be laid out yet."""
    price = _base(book, entry)
    if price is None:
        return NoProposal(reason=f"no price of {entry.symbol} is known")
    if is_beyond(entry.stop_loss, price, entry.side):
        stop = plain(entry.stop_loss) if entry.stop_loss is not None else ""
        return NoProposal(
            reason=f"its stop-loss {stop} is on the wrong side of the price {plain(price)}"
        )
    wish = EntryWish(
        signal_id=entry.signal_id,
        symbol=entry.symbol,
        timeframe=entry.timeframe,
        side=entry.side,
        price=price,
        promoted=True,
        stop_loss=entry.stop_loss,
        max_slippage_percent=entry.max_slippage_percent,
    )
    return propose(book, wish)


def _base(book: Book, entry: QueuedSignal) -> Decimal | None:
    """Spec §5: the better of price and mark, as `queue.anchor` says; a reversal's own price."""
    mark = book.marks.get(entry.symbol)
    if mark is None or entry.price is None:
        return entry.price if mark is None else mark.price
    if entry.reverses or book.account.settings.queue.anchor == "signal":
        return entry.price
    better = min if entry.side == "long" else max
    return better(entry.price, mark.price)
