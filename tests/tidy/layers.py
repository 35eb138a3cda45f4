"""Which room may use which library: what import-linter's layers cannot say."""

import sys

from tests.tidy.sources import ROOMS, Source, imported

# Library -> the only places that may know it.
OUTSIDERS = {
    "apprise": ("adapters/notifying/",),
    "ccxt": ("adapters/exchanges/",),
    "psycopg": ("adapters/postgres/", "projections/"),
    "psycopg_pool": ("adapters/postgres/", "projections/"),
    "asyncpg": ("adapters/postgres/", "projections/"),
    "eventsourcing": (
        *("application/", "projections/"),
        *("adapters/postgres/", "adapters/memory_log.py"),
    ),
    "sqlalchemy": ("adapters/postgres/",),
    "alembic": ("adapters/postgres/",),
    "litestar": ("web/", "cli/"),
    "click": ("cli/",),
    "rich_click": ("cli/",),
}
DOMAIN_MAY_IMPORT = {"domain", "msgspec", *sys.stdlib_module_names}


def trespasses(source: Source) -> list[str]:
    """Imports of a library from a room that must not know it."""
    found = []
    for node, name in imported(source):
        library = name.split(".")[0]
        allowed = OUTSIDERS.get(library, ("",))
        if source.room in ROOMS and not source.path.startswith(allowed):
            what = f"{library} belongs to {', '.join(allowed)}"
            found.append(source.breach(node, what))
        if source.room == "domain" and library not in DOMAIN_MAY_IMPORT:
            what = f"the domain knows the standard library and msgspec, not {library}"
            found.append(source.breach(node, what))
    return found
