"""The inbox: inputs made durable before they were acknowledged, waiting to be handled."""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from domain.message import Input


class InboxUnavailable(Exception):  # noqa: N818 - the word its callers answer with
    """The input could not be made durable, or it is unknown whether it was: answer 503."""


class InboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """One waiting input. Its id goes into the transaction that records it."""

    id: int
    account: str
    input: Input


class Inbox(Protocol):
    """The writer's side of the inbox."""

    def waiting(
        self, limit: int, exclude: Collection[int] = (), accounts: Collection[str] | None = None
    ) -> list[InboxRow]:
        """At most `limit` rows, oldest first, the accounts taking turns.

        `exclude` are ids that were read before and are not committed yet; `accounts` are those
        this engine has leased, None for all.
        """
        ...


def in_turns(rows: Sequence[InboxRow]) -> list[InboxRow]:
    """First each account's oldest row, then each one's second, so that none starves another."""
    turns: dict[str, int] = {}
    ranked = []
    for row in sorted(rows, key=lambda row: row.id):
        turn = turns[row.account] = turns.get(row.account, 0) + 1
        ranked.append((turn, row.id, row))
    return [row for _, _, row in sorted(ranked, key=lambda entry: entry[:2])]
