"""Where this installation lives: its data directory, its database, its secrets."""

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from adapters.notifying.notifier import Notifier
from adapters.postgres.checkup import DatabaseFailure, LogFailure, ServerFailure, first_line
from adapters.postgres.embedded import EmbeddedPostgres, default_data_dir
from adapters.postgres.migrate import upgrade
from cli.answers import Unusable

DATABASE = "plimsoll"
SECRETS_FILE = "secrets.json"

# As a user's part of an address, and as a parameter of either way to write one.
_PASSWORDS = (
    re.compile(r"(?<=://)(?P<before>[^:/?#@\s]*:).*(?=@)"),
    re.compile(r"(?P<before>password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]*)", re.IGNORECASE),
)


class AccountSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What only this machine knows of an account. The venue's keys are not here."""

    webhook_secret: str

    def __repr__(self) -> str:
        return "AccountSecrets(***)"


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The installation's own secrets, kept in a file that only its owner may read."""

    installation: str
    api_token: str
    accounts: dict[str, AccountSecrets] = {}
    notifiers: tuple[Notifier, ...] = ()

    def __repr__(self) -> str:
        return f"Secrets(installation={self.installation!r}, ***)"


class Home:
    """The data directory of one installation. It is made on first use, for its owner alone."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self.data_dir = data_dir or default_data_dir()
        self._is_serving = False

    @property
    def secrets_path(self) -> Path:
        """The file of the installation's secrets."""
        return self.data_dir / SECRETS_FILE

    def secrets(self) -> Secrets:
        """The secrets, made by chance on first use. Raises ValueError for a broken file."""
        if self.secrets_path.exists():
            return self._read()
        made = Secrets(
            installation=secrets.token_hex(8),
            api_token=os.environ.get("PLIMSOLL_API_TOKEN") or secrets.token_urlsafe(32),
        )
        self._write(made)
        return made

    def account_secrets(self, account: str) -> AccountSecrets:
        """An account's secrets, made by chance on first use."""
        kept = self.secrets()
        if account not in kept.accounts:
            made = AccountSecrets(webhook_secret=secrets.token_urlsafe(24))
            kept = msgspec.structs.replace(kept, accounts={**kept.accounts, account: made})
            self._write(kept)
        return kept.accounts[account]

    def keep_notifiers(self, notifiers: Sequence[Notifier]) -> None:
        """These and no others."""
        self._write(msgspec.structs.replace(self.secrets(), notifiers=tuple(notifiers)))

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The address of a migrated database: DATABASE_URL, else the embedded server.

        Raises Unusable if it cannot be had, or fails while it is used.
        """
        given = os.environ.get("DATABASE_URL")
        if given:
            require_url("DATABASE_URL", given)
            with explained("DATABASE_URL", given):
                upgrade(given)
                yield given
            return
        with self.embedded(DATABASE) as url:
            yield url

    @contextlib.contextmanager
    def embedded(self, name: str) -> Iterator[str]:
        """The address of one migrated database of the embedded server. Raises Unusable."""
        with explained("PLIMSOLL_DATA", str(self.data_dir)), self._server() as server:
            url = server.ensure_database(name)
            upgrade(url)
            self._is_serving = True
            try:
                yield url
            finally:
                self._is_serving = False

    def revive(self) -> None:
        """Start the embedded server again if it died; a server of yours is yours to start.

        The use that `embedded` holds keeps it running. Raises Unusable, EmbeddedServerError or
        TimeoutError if it does not come back.
        """
        if self._is_serving:
            self._server().stop()

    def _server(self) -> EmbeddedPostgres:
        try:
            return EmbeddedPostgres.start(self.data_dir)
        except OSError as error:
            raise Unusable(
                f"PLIMSOLL_DATA was {self.data_dir}: {error}: name a directory that can be"
                " written, or a server of yours with DATABASE_URL"
            ) from error

    def _read(self) -> Secrets:
        try:
            return msgspec.json.decode(self.secrets_path.read_bytes(), type=Secrets)
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{self.secrets_path} could not be read ({error}): restore it from a backup, or"
                " move it away to have new secrets made"
            ) from error

    def _write(self, content: Secrets) -> None:
        """Written beside and renamed, so that a crash leaves the old file whole."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        draft = self.secrets_path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(msgspec.to_builtins(content), file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.secrets_path)


def is_url(text: str) -> bool:
    """Whether this names a Postgres database by a URL."""
    return text.startswith(("postgresql://", "postgres://"))


def require_url(setting: str, text: str) -> None:
    """Not every part of the house reads libpq's other way to name a database. Raises Unusable."""
    if not is_url(text):
        raise Unusable(
            f"{setting} was {without_password(text)!r}: write postgresql://user@host:5432/name"
        )


@contextlib.contextmanager
def explained(setting: str, url: str) -> Iterator[None]:
    """Say which setting named the database that failed. Raises Unusable, without a password."""
    try:
        yield
    except ServerFailure as error:
        raise Unusable(str(error)) from error
    except DatabaseFailure as error:
        reason = first_line(error).replace(url, without_password(url))
        raise Unusable(
            f"{setting} was {without_password(url)}: the database could not be used:"
            f" {without_password(reason)}: start the server, or correct {setting}"
            " (postgresql://user@host:5432/name)"
        ) from error
    except LogFailure as error:
        raise Unusable(
            f"the log could not be read: {error}: see what it says with `plimsoll audit verify"
            " --chain-only`"
        ) from error


def without_password(url: str) -> str:
    """The address as it may be shown, in whichever of libpq's two ways it was written."""
    for password in _PASSWORDS:
        url = password.sub(r"\g<before>***", url)
    return url
