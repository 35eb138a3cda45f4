"""Who may look and act: the API token, the sign-in link and the dashboard's session cookie."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

import msgspec

TOKEN_LENGTH_MIN = 16
SESSION_COOKIE = "plimsoll_session"
SESSION_HOURS = 12
LINK_HOURS = 12
CSRF_HEADER = "X-CSRF-Token"

Purpose = Literal["link", "session"]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One signed-in browser. `csrf` proves that a post was made by a page we rendered."""

    actor: str
    csrf: str

    def proves(self, token: str | None) -> bool:
        """Whether a post carries this session's own token, in constant time."""
        written = (token or "").encode(errors="replace")
        return hmac.compare_digest(written, self.csrf.encode())


class Access:
    """Judges tokens, links and cookies. Everything is signed by a key drawn from the token.

    Nothing is kept, so that any web process can judge what another one issued, and changing
    the token ends every session and every link.
    """

    def __init__(self, api_token: str, actor: str = "operator") -> None:
        if len(api_token) < TOKEN_LENGTH_MIN:
            raise ValueError(
                f"the API token was {len(api_token)} characters long: use at least"
                f" {TOKEN_LENGTH_MIN}, made by a random generator"
            )
        self._actor = actor
        self._token_digest = hashlib.sha256(api_token.encode()).digest()
        self._key = hmac.digest(api_token.encode(), b"plimsoll dashboard session v1", "sha256")

    def admits(self, token: str) -> bool:
        """Whether this is the API token, in constant time."""
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        return hmac.compare_digest(digest, self._token_digest)

    @property
    def actor(self) -> str:
        """The name recorded for what is done with this token."""
        return self._actor

    def sign_in_url(self, base_url: str, now: datetime) -> str:
        """A link to the dashboard that signs its reader in; valid for twelve hours."""
        token = self._issue("link", now + timedelta(hours=LINK_HOURS))
        return f"{base_url.rstrip('/')}/login?token={quote(token)}"

    def opens(self, link_token: str, now: datetime) -> bool:
        """Whether a sign-in link's token is ours and not expired."""
        return self._is_valid("link", link_token, now)

    def issue_cookie(self, now: datetime) -> str:
        """The value of a new session's cookie."""
        return self._issue("session", now + timedelta(hours=SESSION_HOURS))

    def session(self, cookie: str, now: datetime) -> Session | None:
        """The session a cookie stands for; None if it is not ours or has expired."""
        if not self._is_valid("session", cookie, now):
            return None
        csrf = hmac.new(self._key, f"csrf|{cookie}".encode(), "sha256").hexdigest()
        return Session(actor=self._actor, csrf=csrf)

    def _issue(self, purpose: Purpose, expires_at: datetime) -> str:
        claim = f"{int(expires_at.timestamp())}.{secrets.token_hex(8)}"
        return f"{claim}.{self._signature(purpose, claim)}"

    def _is_valid(self, purpose: Purpose, text: str, now: datetime) -> bool:
        claim, _, signature = text.rpartition(".")
        expected = self._signature(purpose, claim)
        if not hmac.compare_digest(signature.encode(errors="replace"), expected.encode()):
            return False
        return int(claim.partition(".")[0]) > now.timestamp()

    def _signature(self, purpose: Purpose, claim: str) -> str:
        signed = f"{purpose}|{claim}".encode(errors="replace")
        return hmac.new(self._key, signed, "sha256").hexdigest()
