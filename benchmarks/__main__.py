"""`python -m benchmarks [NAME …] [--quick] [--json]`: measure, and print beside the limits."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import msgspec

from adapters.logging import configure_logging
from benchmarks.appending import APPENDING
from benchmarks.bench import Bench, Benchmark, Size, open_bench, server_version
from benchmarks.deciding import ENGINE, SIMULATE
from benchmarks.durable_signals import DURABLE_SIGNALS
from benchmarks.figures import Result, machine, table
from benchmarks.orders import ORDERS
from benchmarks.reading import REPLAY, START
from benchmarks.rebuilding import REBUILDING
from benchmarks.webhook import WEBHOOK

BENCHMARKS = {
    each.name: each
    for each in (
        WEBHOOK,
        ORDERS,
        DURABLE_SIGNALS,
        APPENDING,
        REPLAY,
        ENGINE,
        START,
        REBUILDING,
        SIMULATE,
    )
}
SECONDS_MAX = 120


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run, as `--json` prints it."""

    machine: str
    size: Size
    results: tuple[Result, ...]


def main() -> None:
    """Run what was asked for, all by default. Exits with 1 if a measurement could not be made."""
    options = _options()
    configure_logging("error")
    try:
        _run(options)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"error: {error}")


def _run(options: argparse.Namespace) -> None:
    with open_bench(options.size) as bench:
        described = machine(server_version(bench.databases))
        if not options.json:
            sys.stdout.write(f"{described}\n")
        results = tuple(_results(bench, options.names or tuple(BENCHMARKS), show=not options.json))
    if options.json:
        report = Report(machine=described, size=options.size, results=results)
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures Plimsoll, each figure beside the limit measured in the same run."
        " Loads go to 127.0.0.1 only. DATABASE_URL names a server to use instead of an"
        " embedded one; databases are made on it and dropped again.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(BENCHMARKS))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--size", choices=("full", "quick", "tiny"), default="full")
    size.add_argument("--quick", action="store_const", dest="size", const="quick")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"name was {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}")
    return options


def _results(bench: Bench, names: Sequence[str], *, show: bool) -> Iterator[Result]:
    for number, name in enumerate(names, start=1):
        benchmark = BENCHMARKS[name]
        sys.stderr.write(f"{number} of {len(names)}: {benchmark.name}, {benchmark.title}\n")
        result = _measured(bench, benchmark)
        if show:
            sys.stdout.write(f"\n{table(result)}\n")
            sys.stdout.flush()
        yield result


def _measured(bench: Bench, benchmark: Benchmark) -> Result:
    began = time.perf_counter()
    with _bounded(benchmark.name):
        figures = benchmark.run(bench)
    return Result(
        benchmark=benchmark.name,
        title=benchmark.title,
        seconds=time.perf_counter() - began,
        figures=tuple(figures),
    )


@contextmanager
def _bounded(name: str) -> Iterator[None]:
    """No measurement lasts longer, whatever it waits for. Raises TimeoutError."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"{name} took longer than {SECONDS_MAX} s: is the machine very busy?")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS_MAX)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    main()
