"""While the database is away a page says so, and that asking again may help."""

from http import HTTPStatus
from typing import NoReturn

import pytest

from web.answers import Refused
from web.views import PooledViews


class GonePool:
    """A pool whose server is not there."""

    async def fetch(self, *_: object) -> NoReturn:
        raise ConnectionRefusedError("connection refused")

    def acquire(self) -> NoReturn:
        raise ConnectionRefusedError("connection refused")


@pytest.mark.parametrize("page", ["overview", "groups", "queue", "risk", "signals", "log"])
async def test_a_page_of_unreadable_tables_is_unavailable_and_no_error_of_ours(page: str) -> None:
    views = PooledViews(GonePool())

    with pytest.raises(Refused) as refused:
        await getattr(views, page)("paper")

    assert refused.value.refusal.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Retry-After" in refused.value.headers
