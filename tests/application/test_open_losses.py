"""Open losses in the day's loss: by fresh prices only, and what is unknown lets nothing in."""

from decimal import Decimal

from application.processes.day_loss import day_loss
from domain.brakes import BreakerTripped
from domain.message import MarkSeen
from domain.risk_engine import RiskDenied
from tests.application.desk import BTC, SOL, Desk, of
from tests.application.hand_venue import HandVenue
from tests.application.losing import LOST, bought, entries, limited, lost

D = Decimal


def figures(desk: Desk) -> BreakerTripped:
    (tripped,) = of(desk.recorded, BreakerTripped)
    return tripped


def test_open_losses_count_only_if_the_settings_say_so() -> None:
    for counts in (False, True):
        venue = HandVenue(limited(daily_loss_includes_open=counts))
        bought(venue)
        venue.move("90")

        venue.wait(seconds=1)

        assert venue.book.brakes.is_tripped is counts


def test_an_open_loss_trips_with_the_tick_that_shows_it_and_entries_go() -> None:
    venue = HandVenue(limited(daily_loss_includes_open=True))
    bought(venue)
    bought(venue, SOL)
    venue.move("90.00000001")
    venue.wait(seconds=1)
    assert not venue.book.brakes.is_tripped

    venue.move("90")
    venue.wait(seconds=1)

    tripped = figures(venue)
    assert (tripped.loss, tripped.realized, tripped.open_loss) == (LOST, D(0), LOST)
    assert entries(venue, BTC) == entries(venue, SOL) == []
    assert len(venue.book.open_groups()) == 2


def test_another_trades_open_gain_does_not_hide_an_open_loss() -> None:
    venue = HandVenue(limited(daily_loss_includes_open=True))
    bought(venue)
    bought(venue, SOL)
    venue.move("200", SOL)
    venue.move("90")

    venue.wait(seconds=1)

    assert figures(venue).open_loss == LOST


def test_a_fill_that_makes_the_open_loss_trips_without_waiting_for_a_tick() -> None:
    venue = HandVenue(limited(daily_loss_includes_open=True))
    venue.signal()
    venue.move("90")

    venue.fill(venue.entries()[0], "2", "100")

    assert figures(venue).open_loss == LOST


class QuietMarket(HandVenue):
    """Its SOL has no news while told so."""

    is_quiet = False

    def marks(self) -> dict[str, MarkSeen]:
        marks = super().marks()
        if self.is_quiet:
            marks.pop(SOL, None)
        return marks


def test_an_unknown_open_loss_never_trips_but_lets_nothing_in() -> None:
    venue = QuietMarket(limited(daily_loss_includes_open=True))
    bought(venue, SOL)
    venue.move("10", SOL)
    venue.is_quiet = True
    venue.wait(seconds=31)
    venue.signal()

    assert day_loss(venue.book).amount is None
    assert not venue.book.brakes.is_tripped
    assert venue.outcome() == ("queued", "max_daily_loss")
    (denied,) = of(venue.recorded, RiskDenied)
    (check,) = [each for each in denied.receipt if each.rule == "max_daily_loss"]
    assert check.value is None

    venue.is_quiet = False
    venue.wait(seconds=1)
    assert figures(venue).open_loss == D(180)


def test_what_is_settled_trips_also_while_the_open_loss_is_unknown() -> None:
    venue = QuietMarket(limited(daily_loss_includes_open=True))
    bought(venue, SOL)
    bought(venue)
    venue.is_quiet = True
    venue.wait(seconds=31)

    lost(venue)

    assert (figures(venue).loss, figures(venue).open_loss) == (LOST, D(0))
