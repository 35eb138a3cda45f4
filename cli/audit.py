"""`plimsoll audit`: prove that the log and everything made from it still say what they said."""

import asyncio
import re
from collections.abc import Mapping

import rich_click as click

from adapters.postgres.audit import verify_log
from adapters.postgres.connection import connect
from application.journal import ChainVerdict
from cli.answers import FAILED, print_json
from cli.home import Home
from projections.rebuild import verify as verify_projections

_DIGEST = re.compile(r"[0-9a-f]{64}")


@click.group(epilog="Example: plimsoll audit verify --json")
def audit() -> None:
    """Verify the log's hash chain and the tables made from it."""


@audit.command(epilog="Example: plimsoll audit verify --json. Exit codes: 0 intact, 1 broken.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON line.")
@click.option(
    "--head",
    "heads",
    multiple=True,
    help="ACCOUNT=DIGEST kept outside, as in an export's manifest: shows a cut tail.",
)
@click.option("--chain-only", is_flag=True, help="Leave the read tables out.")
def verify(heads: tuple[str, ...], *, as_json: bool, chain_only: bool) -> None:
    """Check every stored event against the chain, and every read table against the log."""
    expected = _expected(heads)
    with Home().database() as url:
        with connect(url) as connection:
            chains = verify_log(connection, expected)
        tables = None if chain_only else _verified_tables(url, chains_intact=_intact(chains))
    intact = _intact(chains) and (tables is None or not tables)
    if as_json:
        print_json({"intact": intact, "accounts": chains, "differing_tables": tables})
    else:
        _print(chains, tables)
    if not intact:
        raise SystemExit(FAILED)


def _expected(heads: tuple[str, ...]) -> dict[str, str]:
    expected: dict[str, str] = {}
    for head in heads:
        account, _, digest = head.partition("=")
        if not account or not _DIGEST.fullmatch(digest):
            raise click.BadParameter(
                f"--head was {head!r}: write ACCOUNT=DIGEST, the digest in 64 hexadecimal digits"
                " as a manifest's chain_head"
            )
        if account in expected:
            raise click.BadParameter(f"--head named {account!r} twice: give each account one head")
        expected[account] = digest
    return expected


def _intact(chains: Mapping[str, ChainVerdict]) -> bool:
    return all(verdict.intact for verdict in chains.values())


def _verified_tables(url: str, *, chains_intact: bool) -> list[str] | None:
    """A broken log proves nothing about tables made from it."""
    if not chains_intact:
        return None
    return list(asyncio.run(verify_projections(url)).differing)


def _print(chains: Mapping[str, ChainVerdict], tables: list[str] | None) -> None:
    for account, verdict in chains.items():
        if verdict.intact:
            click.echo(f"{account}: {verdict.count} events, intact, head {verdict.head}")
        else:
            click.echo(
                f"{account}: BROKEN at position {verdict.broken_at}"
                f" ({verdict.broken_event or 'unknown event'}): {verdict.reason}"
            )
    if tables is None:
        click.echo("read tables: not checked")
    elif tables:
        click.echo(f"read tables: DIFFERENT from the log: {', '.join(tables)}")
    else:
        click.echo("read tables: as the log makes them")
