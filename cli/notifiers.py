"""The notifiers of this installation: those of its secrets file, and those of the environment."""

import hashlib
import hmac
import os
import re

from adapters.notifying.notifier import Notifier
from cli.home import Home

VARIABLE = "PLIMSOLL_NOTIFY"
# Told apart from names that an operator chose.
ENVIRONMENT_PREFIX = "env-"

# A comma may stand within an address: only one before the next scheme ends it.
_BETWEEN = re.compile(r"\s*\n\s*|\s*,\s*(?=[A-Za-z][A-Za-z0-9+.-]*://)")


def configured(home: Home) -> tuple[Notifier, ...]:
    """All of them. Raises ValueError for a broken secrets file."""
    if not home.secrets_path.exists() and VARIABLE not in os.environ:
        # Looking makes no secrets: they are made by whoever first needs them.
        return ()
    kept = home.secrets()
    return (*kept.notifiers, *_of_environment(kept.api_token))


def _of_environment(key: str) -> tuple[Notifier, ...]:
    """Addresses without a name are named after themselves, so that each keeps its position.

    With our own key, so that the name tells nobody anything of the address.
    """
    urls = dict.fromkeys(url for url in _BETWEEN.split(os.environ.get(VARIABLE, "").strip()) if url)
    return tuple(Notifier(name=f"{ENVIRONMENT_PREFIX}{_digest(key, url)}", url=url) for url in urls)


def _digest(key: str, url: str) -> str:
    return hmac.new(key.encode(), url.encode(), hashlib.sha256).hexdigest()[:8]
