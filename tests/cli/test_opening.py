"""`plimsoll demo` and `plimsoll serve` where they cannot open: told before anything runs."""

import socket
from pathlib import Path

import pytest

from tests.cli.shell import Shell


def test_a_bad_candle_file_is_refused_before_the_demo_opens(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text("timestamp,open,high,low,close\n2026-01-05T00:00:00Z,10,12,9,x\n")

    shell.run("demo", "--candles", path, "--port", "0").refused(
        f"{path}, line 2: close was 'x'", "decimal number"
    )


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_port_that_is_taken_is_named_before_any_account_is_worked(
    shell: Shell, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = shell.run(command, "--port", port, "--json")

    done.refused(f"--host was 127.0.0.1, --port {port}", "in use", "choose another --port")


@pytest.mark.parametrize("command", ["demo", "serve"])
@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", "65536"), ("no.such.invalid", "0"), ("192.0.2.1", "0")]
)
def test_an_address_nobody_can_listen_on_is_named(
    shell: Shell, command: str, host: str, port: str
) -> None:
    shell.run(command, "--host", host, "--port", port).refused(f"--host was {host}, --port {port}")
