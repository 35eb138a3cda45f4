"""What an operator reads on a telephone at night."""

from adapters.notifying.messages import (
    DIGEST_CHARACTERS_MAX,
    SINGLES_MAX,
    digest,
    next_message,
    single,
)
from adapters.notifying.notifier import Notifier
from tests.notifying.alerts import alert


def test_an_alert_says_what_where_and_when() -> None:
    message = single(alert(7, severity="critical"))

    assert message.title == "[Plimsoll paper] CRITICAL breaker"
    assert message.body == (
        "the loss of the day was 512.3, the limit is 500\n"
        "\n"
        "subject: day 7\n"
        "account: paper\n"
        "time: 2026-01-05 03:04:12 UTC"
    )
    assert (message.severity, message.upto, message.alerts) == ("critical", 7, 1)


def test_a_few_are_sent_one_by_one_oldest_first() -> None:
    few = [alert(position) for position in range(5, 5 + SINGLES_MAX)]

    assert next_message(few) == single(few[0])


def test_many_are_one_digest_that_counts_them_all_and_shows_the_worst_first() -> None:
    many = [alert(1), alert(2), alert(3, severity="critical"), alert(4, account="main")]

    message = next_message(many)

    assert message.title == "[Plimsoll main, paper] CRITICAL 4 alerts"
    assert (message.severity, message.upto, message.alerts) == ("critical", 4, 4)
    lines = message.body.splitlines()
    assert lines[0] == "From 2026-01-05 03:04:06 UTC to 2026-01-05 03:04:09 UTC:"
    assert lines[1:3] == ["1 x critical breaker", "3 x warning breaker"]
    assert [line.split(" breaker ")[1].split(":")[0] for line in lines[4:]] == [
        *("day 3", "day 1", "day 2", "day 4")
    ]


def test_a_digest_of_a_whole_night_fits_one_message_and_says_what_it_left_out() -> None:
    night = [alert(position, text="x" * 900) for position in range(1, 401)]

    message = digest(night)

    assert len(message.body) <= DIGEST_CHARACTERS_MAX + 100
    shown = sum(" WARNING breaker day " in line for line in message.body.splitlines())
    assert f"{400 - shown} more stand in the log" in message.body
    assert message.upto == 400


def test_a_notifier_wants_what_is_severe_enough_and_of_its_accounts() -> None:
    phone = Notifier(name="phone", url="tgram://t/c", severity="critical", accounts=("main",))

    assert phone.wants(alert(severity="critical", account="main"))
    assert not phone.wants(alert(severity="critical", account="paper"))
    assert not phone.wants(alert(severity="warning", account="main"))
    assert Notifier(name="all", url="tgram://t/c").wants(alert(severity="warning"))
    assert not Notifier(name="all", url="tgram://t/c").wants(alert(severity="info"))


def test_an_address_is_shown_by_its_scheme_alone() -> None:
    shown = Notifier(name="phone", url="tgram://123:TOKEN/4711")

    assert shown.masked == "tgram://***"
    assert "TOKEN" not in repr(shown) + str(shown) + f"{shown}"
    assert Notifier(name="odd", url="TOKEN").masked == "***"
