"""`plimsoll queue`: the signals that wait, promoted, forced in or removed."""

from decimal import localcontext

import rich_click as click

from application.inputs import OperatorActed, OperatorAction
from application.processes.candidates import current_ranking
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
from domain.money import DECISION_CONTEXT, plain
from domain.queue import QueuedSignalPromoted, QueuedSignalRemoved, Ranked


@click.group(epilog="Example: plimsoll queue list --account paper")
def queue() -> None:
    """The signals that wait for a slot: list, promote, remove, force in."""


@queue.command("list", epilog="Example: plimsoll queue list --json")
@click.option("--account", default="paper", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def list_queue(account: str, *, as_json: bool) -> None:
    """Who waits, best first, ranked by the marks that the log holds."""
    with open_desk(account) as desk, localcontext(DECISION_CONTEXT):
        ranking = current_ranking(desk.book)
    if as_json:
        print_json({"account": account, "waiting": [_row(each) for each in ranking]})
        return
    lines = [_line(place, each) for place, each in enumerate(ranking, start=1)]
    click.echo("\n".join(lines) or "No signal waits.")


@queue.command(epilog="Example: plimsoll queue promote s0123abc")
@click.argument("signal")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def promote(signal: str, reason: str, manner: Manner) -> None:
    """Let SIGNAL take a free slot out of its turn, if every rule of the gate passes."""
    acted = _acted("promote_signal", signal, reason, manner)
    _bring_in(acted, manner)


@queue.command("force-add", epilog='Example: plimsoll queue force-add s0123abc --reason "news"')
@click.argument("signal")
@click.option("--reason", required=True, help="Why the limit of slots is passed; kept in the log.")
@order_options
def force_add(signal: str, reason: str, manner: Manner) -> None:
    """Let SIGNAL in over pool.max_open_groups; every other rule of the gate must pass."""
    if not reason.strip():
        fail("--reason was empty: say why the limit of slots is to be passed")
    acted = _acted("force_add_signal", signal, reason, manner)
    _bring_in(acted, manner)


@queue.command(epilog='Example: plimsoll queue remove s0123abc --reason "too late"')
@click.argument("signal")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def remove(signal: str, reason: str, manner: Manner) -> None:
    """Take SIGNAL out of the queue; it is never traded."""
    acted = _acted("remove_signal", signal, reason, manner)
    with open_desk(manner.account) as desk:
        _require_waiting(desk, signal)
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        if answered.first(QueuedSignalRemoved) is None:
            fail(f"signal {signal} was not removed: {refused(desk, signal, answered)}")
    outcome = {"input_id": answered.input_id, "outcome": "removed", "signal_id": signal}
    answer(f"signal {signal} was removed", outcome, manner)


def _bring_in(acted: OperatorActed, manner: Manner) -> None:
    signal = acted.subject
    with open_desk(manner.account) as desk:
        _require_waiting(desk, signal)
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        promoted = answered.first(QueuedSignalPromoted)
        if promoted is None or promoted.signal_id != signal:
            fail(f"signal {signal} was not let in: {refused(desk, signal, answered)}")
    outcome = {
        "input_id": answered.input_id,
        "outcome": "promoted",
        "signal_id": signal,
        "group_id": promoted.group_id,
    }
    answer(f"signal {signal} opened group {promoted.group_id}", outcome, manner)


def _acted(action: OperatorAction, signal: str, reason: str, manner: Manner) -> OperatorActed:
    return OperatorActed(action=action, subject=signal, actor=manner.actor, reason=reason)


def _require_waiting(desk: Desk, signal: str) -> None:
    if desk.book.queue.find(signal) is None:
        fail(f"SIGNAL was {signal!r}, which does not wait: see `plimsoll queue list`")


def _row(ranked: Ranked) -> dict[str, object]:
    entry = ranked.entry
    return {
        "signal_id": entry.signal_id,
        "symbol": entry.symbol,
        "timeframe": entry.timeframe,
        "side": entry.side,
        "price": entry.price,
        "reason": entry.reason,
        "rank": ranked.rank,
        "replacements": entry.replacements,
        "expected_profit": entry.expected_profit,
        "waiting_since": entry.waiting_since,
        "reverses": entry.reverses,
    }


def _line(place: int, ranked: Ranked) -> str:
    entry = ranked.entry
    price = plain(entry.price) if entry.price is not None else "the mark"
    return (
        f"{place}. {entry.signal_id} {entry.side} {entry.symbol} {entry.timeframe} at {price}:"
        f" {entry.reason} ({', '.join(ranked.rank)})"
    )
