"""Who is to be told of alerts, over which address, and of which of them."""

import re
from datetime import datetime

import msgspec

from domain.day_terms import AlertSeverity

SEVERITIES: tuple[AlertSeverity, ...] = ("info", "warning", "critical")
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert and its place in the log of all accounts. `at` is UTC-aware."""

    position: int
    account: str
    at: datetime
    kind: str
    severity: AlertSeverity
    subject: str
    text: str


class Notifier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One address. `url` is Apprise's and a secret; no `accounts` means all of them."""

    name: str
    url: str
    severity: AlertSeverity = "warning"
    accounts: tuple[str, ...] = ()

    @property
    def masked(self) -> str:
        """The address as it may be shown: tokens may stand anywhere behind the scheme."""
        scheme = _SCHEME.match(self.url)
        return f"{scheme[0]}://***" if scheme else "***"

    def wants(self, alert: Alert) -> bool:
        """Whether this alert is severe enough, and of an account this notifier is for."""
        if SEVERITIES.index(alert.severity) < SEVERITIES.index(self.severity):
            return False
        return not self.accounts or alert.account in self.accounts

    def __repr__(self) -> str:
        return f"Notifier(name={self.name!r}, url={self.masked!r})"


class NotifierState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a notifier came. `trouble` is why it fails now, empty if it does not.

    `position` is the last alert it sent or was not to send; `sent_at` is None if it never did.
    """

    name: str
    position: int
    sent_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    trouble: str = ""
