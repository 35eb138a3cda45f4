"""Sends one message through Apprise, in a process of its own that may hang or die alone.

`python -m adapters.notifying.sender` reads a Letter from standard input and answers with a
Receipt on standard output. The address is never in an argument, and never in the answer.
"""

import logging
import os
import re
import signal
import sys
from urllib.parse import unquote

import msgspec
from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.common import OverflowMode
from apprise.plugins import NotifyBase
from apprise.result import AppriseResult, AppriseResultStatus

from adapters.notifying.letter import Letter, Receipt
from domain.day_terms import AlertSeverity

# Trading goes before telling of it.
NICENESS = 10
REASON_CHARACTERS_MAX = 300
SECRET_CHARACTERS_MIN = 3

_TYPES: dict[AlertSeverity, NotifyType] = {
    "info": NotifyType.INFO,
    "warning": NotifyType.WARNING,
    "critical": NotifyType.FAILURE,
}


class _Kept(logging.Handler):
    """What Apprise says of a failure, instead of printing it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(record.getMessage())


def main() -> None:
    """Read, send, answer. The kernel ends it where its starter cannot any more."""
    letter = msgspec.json.decode(sys.stdin.buffer.read(), type=Letter)
    signal.alarm(letter.seconds_max)
    os.nice(NICENESS)
    receipt = carried_out(letter)
    sys.stdout.buffer.write(msgspec.json.encode(receipt))


def carried_out(letter: Letter) -> Receipt:
    """Send a letter; one without a body asks only whether its address can be used."""
    kept = _Kept()
    told = logging.getLogger("apprise")
    told.addHandler(kept)
    told.propagate = False
    service = _service(letter.url)
    if service is None:
        return Receipt(sent=False, reason="no service of Apprise understands the address")
    if not letter.body:
        return Receipt(sent=True)
    try:
        sent = _was_delivered(_sent(service, letter))
    except Exception as error:  # noqa: BLE001 - whatever a service does wrong, it did not send
        kept.lines.append(f"{type(error).__name__}: {error}")
        sent = False
    reason = " ".join(kept.lines) or "the service did not say why"
    return Receipt(sent=sent, reason="" if sent else without_secrets(reason, letter.url))


def without_secrets(reason: str, url: str) -> str:
    """Every part of the address is taken out, however it was written."""
    behind_scheme = url.partition("://")[2] or url
    parts = {*re.split(r"[/:@?&=,;#+\s]+", behind_scheme)}
    secrets = {behind_scheme, *parts, *(unquote(part) for part in parts)}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SECRET_CHARACTERS_MIN:
            reason = reason.replace(secret, "***")
    return reason[:REASON_CHARACTERS_MAX]


def _service(url: str) -> NotifyBase | None:
    # Nothing is kept on disk; no time limit of Apprise's, which would only abandon a thread.
    asset = AppriseAsset(app_id="Plimsoll", storage_mode="memory", service_timeout=0)
    service = Apprise.instantiate(url, asset=asset)
    if service is not None and service.overflow_mode is OverflowMode.UPSTREAM:
        # What is too long for a service comes in parts, instead of being refused for ever.
        service.overflow_mode = OverflowMode.SPLIT
    return service


def _sent(service: NotifyBase, letter: Letter) -> AppriseResult:
    apprise = Apprise()
    apprise.add(service)
    return apprise.notify(
        title=letter.title,
        body=letter.body,
        notify_type=_TYPES[letter.severity],
        body_format=NotifyFormat.TEXT,
    )


def _was_delivered(result: AppriseResult) -> bool:
    """The last attempt succeeded; an address marked optional would call a failure a success."""
    attempts = [list(service.attempts) for service in result]
    return bool(attempts) and all(
        made and made[-1].status == AppriseResultStatus.SUCCESS for made in attempts
    )


if __name__ == "__main__":
    main()
