"""`plimsoll projections`: the read tables, made anew from the log."""

import asyncio

import rich_click as click

from cli.answers import print_json
from cli.home import Home
from projections.rebuild import fingerprint
from projections.rebuild import rebuild as rebuild_tables


@click.group(epilog="Example: plimsoll projections rebuild --json")
def projections() -> None:
    """The tables the dashboard reads: always disposable, always rebuilt alike."""


@projections.command(epilog="Example: plimsoll projections rebuild --json")
@click.option("--json", "as_json", is_flag=True, help="Print position and fingerprints as JSON.")
def rebuild(*, as_json: bool) -> None:
    """Build every read table beside the live ones, then switch."""
    with Home().database() as url:
        reached = asyncio.run(rebuild_tables(url, None if as_json else _show))
        prints = asyncio.run(fingerprint(url))
    if as_json:
        print_json({"position": reached, "tables": prints})
        return
    click.echo(f"rebuilt up to position {reached}")
    for table, digest in sorted(prints.items()):
        click.echo(f"  {table:<28} {digest}")


def _show(position: int, newest: int) -> None:
    click.echo(f"\r{position} of {newest}", err=True, nl=position >= newest)
