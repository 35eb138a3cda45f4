"""`plimsoll notify`: who is told, without ever showing where."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from adapters.notifying.notifier import NotifierState
from cli.doctor import notifier_finding
from tests.cli.shell import Answer, Shell
from tests.log.postgres import owner
from tests.notifying.alerts import NIGHT, record_alerts
from tests.notifying.target import Target

TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544/"
SECRETS = ("123456789", "abcdefg_hijklmnop", "12315544")


@pytest.fixture
def house(tmp_path: Path, postgres_url: str) -> Shell:
    """A shell on an installation of its own, to be altered."""
    return Shell(data_dir=tmp_path / "home", database_url=postgres_url)


async def run(shell: Shell, *arguments: str, **env: str) -> Answer:
    """Beside the target that this test's loop serves."""
    return await asyncio.to_thread(shell.run, *arguments, env=env)


def add(shell: Shell, name: str, url: str, *options: str) -> Answer:
    done = shell.run("notify", "add", name, url, *options)
    assert done.code == 0, done.stderr
    return done


def positions(shell: Shell) -> list[tuple[str, int]]:
    with owner(shell.database_url) as connection:
        return connection.execute(
            "SELECT name, position FROM plimsoll.notifier_positions ORDER BY name"
        ).fetchall()


def test_what_is_added_is_listed_masked_and_kept_for_the_owner_alone(house: Shell) -> None:
    added = add(house, "phone", TELEGRAM, "--severity", "critical", "--account", "main")
    listed = house.run("notify", "list", "--json")
    shown = house.run("notify", "list")

    expected = {
        "name": "phone",
        "url": "tgram://***",
        "severity": "critical",
        "accounts": ["main"],
        "kept_in": "secrets",
    }
    assert listed.json() == {"notifiers": [expected]}
    assert "phone" in shown.stdout
    assert "critical and above, main" in shown.stdout
    for answer in (added, listed, shown):
        assert not any(secret in answer.stdout + answer.stderr for secret in SECRETS)
    path = house.data_dir / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["notifiers"][0]["url"] == TELEGRAM


def test_an_address_may_come_from_standard_input(house: Shell) -> None:
    done = house.start("notify", "add", "phone", "-", "--json")

    done.refused("URL was ***", "no service of Apprise understands the address")


def test_a_notifier_begins_at_the_head_when_it_is_added_and_again_after_it_was_removed(
    house: Shell,
) -> None:
    first = record_alerts(house.database_url, ["critical"])
    add(house, "phone", TELEGRAM)
    assert positions(house) == [("phone", first[-1])]

    removed = house.run("notify", "remove", "phone", "--json")
    assert removed.json() == {"name": "phone", "outcome": "removed"}
    assert positions(house) == []
    assert house.run("notify", "list", "--json").json() == {"notifiers": []}

    second = record_alerts(house.database_url, ["critical"])
    add(house, "phone", TELEGRAM)
    assert positions(house) == [("phone", second[-1])]


def test_what_cannot_be_used_is_refused_and_changes_nothing(house: Shell) -> None:
    add(house, "phone", TELEGRAM)
    refused = house.run("notify", "add", "bad", "tgram://s3cret").refused(
        "URL was tgram://***", "no service of Apprise understands the address"
    )
    assert "s3cret" not in refused
    house.run("notify", "add", "bad", "s3cret-nonsense").refused("URL was ***")
    house.run("notify", "add", "phone", TELEGRAM).refused("NAME was 'phone'", "exists already")
    house.run("notify", "add", "Phone", TELEGRAM).refused("NAME was 'Phone'", "lower-case letters")
    house.run("notify", "add", "env-1", TELEGRAM).refused("NAME was 'env-1'", "but not with env-")
    house.run("notify", "add", "x", TELEGRAM, "--account", "Main").refused("--account was 'Main'")
    house.run("notify", "add", "x", TELEGRAM, "--severity", "loud").refused("'loud'", code=2)
    house.run("notify", "remove", "nobody").refused("NAME was 'nobody'", "plimsoll notify list")
    house.run("notify", "test", "nobody").refused("NAME was 'nobody'", "plimsoll notify list")

    [kept] = house.run("notify", "list", "--json").json()["notifiers"]
    assert kept["name"] == "phone"
    assert [name for name, _ in positions(house)] == ["phone"]


def test_nobody_to_tell_is_said(house: Shell) -> None:
    assert "Nobody is told" in house.run("notify", "list").stdout
    house.run("notify", "test").refused("nobody is told of alerts", "plimsoll notify add --help")
    # Looking made no secrets.
    assert not (house.data_dir / "secrets.json").exists()


def test_those_of_the_environment_are_listed_and_cannot_be_removed(house: Shell) -> None:
    env = {"PLIMSOLL_NOTIFY": f"{TELEGRAM}\njson://h/a,b, jsons://u:s3cret@h/x,{TELEGRAM}"}
    listed = house.run("notify", "list", "--json", env=env)

    rows = listed.json()["notifiers"]
    assert [row["url"] for row in rows] == ["tgram://***", "json://***", "jsons://***"]
    assert {row["kept_in"] for row in rows} == {"environment"}
    assert house.run("notify", "list", "--json", env=env).stdout == listed.stdout
    assert "s3cret" not in listed.stdout
    house.run("notify", "remove", rows[0]["name"], env=env).refused("PLIMSOLL_NOTIFY")


async def test_a_test_tells_everybody_and_names_who_was_not_reached(house: Shell) -> None:
    async with Target() as good, Target("refuse") as bad:
        for name, target in (("good", good), ("bad", bad)):
            assert (await run(house, "notify", "add", name, target.url)).code == 0
        assert good.heard == []

        reached = await run(house, "notify", "test", "good")
        told = await run(house, "notify", "test", "--json")

        assert (reached.code, reached.stdout) == (0, "good was told.\n")
        assert good.titles == ["[Plimsoll] INFO test"] * 2
        assert told.code == 1
        assert [(row["name"], row["sent"]) for row in told.json()["notifiers"]] == [
            ("good", True),
            ("bad", False),
        ]
        assert "bad was not reached" in told.stderr
        assert "503" in told.stderr
        assert "s3cret" not in told.stdout + told.stderr


def test_the_doctor_tells_how_each_notifier_does(house: Shell) -> None:
    add(house, "phone", TELEGRAM)
    # The installation's own account has no books that a doctor would open.
    record_alerts(house.database_url, ["warning", "critical", "info"], account="house")

    findings = house.run("doctor", "--json").json()["findings"]
    [found] = [each for each in findings if each["check"] == "notifier phone"]
    assert (found["verdict"], found["detail"]) == ("ok", "not needed yet, 2 alerts wait")


def test_a_failing_notifier_is_a_warning_with_its_reason_and_the_remedy() -> None:
    state = NotifierState(
        name="phone", position=7, failures=3, failing_since=NIGHT, trouble="error=401"
    )

    found = notifier_finding(state, 12)

    assert (found.check, found.verdict) == ("notifier phone", "warning")
    for words in ("2026-01-05T03:04:05", "3 tries, 12 alerts wait", "error=401", "notify test"):
        assert words in found.detail
