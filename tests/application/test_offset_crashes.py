"""The process dies between any two inputs of an offset: it goes on from the log, the same."""

from functools import cache

import pytest

from domain.offset import OffsetSettled, OffsetWinnerEnded
from domain.order import OrderRequested
from tests.application.desk import SOL, Desk, of
from tests.application.invariants import check_record, check_settled
from tests.application.loose_ends import LooseEnds
from tests.application.offset_desk import OffsetDesk, check_offset, fills, settled, two_winners


def run(cut: int | None = None, *, reached: bool = False) -> tuple[OffsetDesk, int]:
    """A whole offset, every sale in parts; the process dies after `cut` inputs.

    `reached`: what was asked by then reached the venue, and only the answers were lost.
    """
    desk = two_winners()
    desk.answers.extend([fills("30"), Desk.carry_out, Desk.carry_out, fills("20")])
    heard = 0
    desk.begin()
    while desk.errands or desk.reports or desk.book.offset is not None:
        if heard == cut:
            die(desk, reached=reached)
            break
        heard += 1
        if desk.reports:
            desk.handle(desk.reports.popleft())
        elif desk.errands:
            desk.reports.extend(desk.carry_out(desk.errands.popleft()))
        else:
            desk.wait_quietly(seconds=1)
    return desk, heard


def die(desk: OffsetDesk, *, reached: bool) -> None:
    """All that was in memory is gone; the venue lives on. Then everything is asked for."""
    if reached:
        for errand in desk.errands:
            desk.carry_out(errand)
    desk.errands.clear()
    desk.reports.clear()
    desk.start()
    LooseEnds(desk).tie_up()


@cache
def undisturbed() -> tuple[OffsetSettled, int]:
    desk, heard = run()
    return settled(desk), heard


def test_undisturbed_it_takes_many_inputs_and_pays_for_the_loser() -> None:
    end, heard = undisturbed()

    assert end.outcome == "covered"
    assert heard > 30


@pytest.mark.parametrize("reached", [False, True])
def test_cut_after_any_input_it_settles_the_same_and_no_order_is_doubled(*, reached: bool) -> None:
    end, heard = undisturbed()
    for cut in range(heard):
        desk, _ = run(cut, reached=reached)

        again = settled(desk)
        figures = (again.outcome, again.earned, again.realized, again.result)
        assert figures == (end.outcome, end.earned, end.realized, end.result), f"cut at {cut}"
        assert len(of(desk.recorded, OffsetWinnerEnded)) == 2
        assert SOL not in desk.held
        sales = [o for o in of(desk.recorded, OrderRequested) if o.purpose == "reduce"]
        assert len(sales) <= len({o.client_order_id for o in sales}), f"cut at {cut}"
        check_offset(desk)
        check_settled(desk)
        check_record(desk)
