"""Which account and which moment a request is about."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from projections.views import AccountView
from web.answers import Problem, Refused, invalid
from web.deps import WebDeps
from web.views import Views

AccountParameter = Annotated[
    str | None, QueryParameter(name="account", description="Account id; the first one if absent")
]
MomentParameter = Annotated[
    str | None,
    QueryParameter(name="at", description="A past moment (ISO 8601) or log position; absent = now"),
]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One account, now (`at` None) or as it stood after the log position `at`."""

    chosen: AccountView
    accounts: tuple[AccountView, ...]
    at: int | None = None

    @property
    def account(self) -> str:
        """The chosen account's id."""
        return self.chosen.account


async def choose(
    deps: NamedDependency[WebDeps],
    account_id: AccountParameter = None,
    moment: MomentParameter = None,
) -> Choice:
    """Read `account` and `at` of a request. Raises Refused: 404 without such an account."""
    accounts = await deps.views.accounts()
    chosen = next((each for each in accounts if account_id in {None, each.account}), None)
    if chosen is None:
        raise _no_account(account_id, accounts)
    at = await _position(deps.views, chosen.account, moment) if moment else None
    return Choice(chosen=chosen, accounts=accounts, at=at)


async def _position(views: Views, account: str, text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _bad_moment(text) from error
    # All times of the house are UTC, also those of a form that cannot say so.
    utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return await views.position_at(account, utc)


def _bad_moment(text: str) -> Refused:
    return invalid("at", text[:80], "write a moment like 2026-01-05T12:00:00Z or a log position")


def _no_account(account: str | None, accounts: tuple[AccountView, ...]) -> Refused:
    known = ", ".join(each.account for each in accounts)
    problem = Problem(
        field="account",
        value=(account or "none")[:80],
        remedy=f"use one of {known}" if known else "add an account first",
    )
    return Refused(HTTPStatus.NOT_FOUND, "there is no such account", [problem])
