"""Funding is counted once and split over the trades whose position it was settled for."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from application.book import Book
from application.inputs import FundingReported
from application.journal import Recorded
from application.processes.positions import lots_of
from application.processes.valuation import asset_value
from domain.holding_terms import FundingShare
from domain.holdings import FundingRecorded, RecordFunding
from domain.message import Command
from domain.money import ZERO
from domain.pnl import share_by
from domain.position_group import FundingShared, PositionGroup, ShareFunding
from domain.risk_engine import RecordProfit


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Record it, share it, and let the shares reach the day's result."""
    match recorded.event:
        case FundingReported() as reported:
            yield RecordFunding(recorded=_settlement(book, reported))
        case FundingRecorded() as settled:
            for share in settled.shares:
                shared = FundingShared(
                    group_id=share.group_id,
                    funding_id=settled.funding_id,
                    amount=share.amount,
                    settled_at=settled.settled_at,
                )
                yield ShareFunding(group_id=share.group_id, shared=shared)
        case FundingShared(group_id=group_id):
            group = book.group(group_id)
            assert group is not None, f"group {group_id} shares funding without being open"
            yield RecordProfit(leg_id=group_id, group_id=group_id, total=group.funding)
        case _:
            return


def _settlement(book: Book, reported: FundingReported) -> FundingRecorded:
    value = _value(book, reported)
    groups = [group for group in book.open_groups() if _is_of(book, group, reported)]
    shares: tuple[FundingShare, ...] = ()
    reason = ""
    if value is None:
        reason = f"{reported.asset} has no known worth in {book.account.opened.currency}"
    elif not groups:
        reason = "no trade of ours was open"
    else:
        shares = _shares(value, groups, [lots_of(book, group) for group in groups])
    return FundingRecorded(
        funding_id=reported.funding_id,
        symbol=reported.symbol,
        side=reported.position_side,
        amount=reported.amount,
        asset=reported.asset,
        value=value,
        shares=shares,
        reason=reason,
        settled_at=reported.settled_at,
    )


def _value(book: Book, reported: FundingReported) -> Decimal | None:
    if not reported.amount.is_finite():
        return None
    return asset_value(book, reported.asset, reported.amount)


def _is_of(book: Book, group: PositionGroup, reported: FundingReported) -> bool:
    opened, side = group.opened, reported.position_side
    is_of = opened.symbol == reported.symbol and side in ("both", opened.side)
    return is_of and lots_of(book, group) != ZERO


def _shares(
    value: Decimal, groups: Sequence[PositionGroup], quantities: Sequence[Decimal]
) -> tuple[FundingShare, ...]:
    """By signed quantity: of a long and a short of one symbol, one pays what the other receives.

    Where they cancel out there is no net position to measure by: then by size.
    """
    net = sum(quantities, ZERO)
    weights = quantities if net != ZERO else [abs(quantity) for quantity in quantities]
    amounts = share_by(value, weights)
    return tuple(
        FundingShare(group_id=group.opened.group_id, amount=amount)
        for group, amount in zip(groups, amounts, strict=True)
    )
