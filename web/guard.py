"""Every route is closed unless it says that it is open: tokens for the API, cookies for pages."""

from http import HTTPStatus

from litestar.handlers import BaseRouteHandler

from web.access import CSRF_HEADER, SESSION_COOKIE, Session
from web.answers import Refused, unauthorized
from web.connection import AnyConnection
from web.deps import WebDeps

OPEN = "open"
"""Route option: needs no credentials (webhook, login, health, static files)."""
PAGE = "page"
"""Route option: for a signed-in browser; without a session it is sent to the login page."""
EITHER = "either"
"""Route option: a session or the token."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SignInNeeded(Exception):  # noqa: N818 - named by what is to be done
    """A page was asked for without a session: show the login page."""


async def require_access(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """Let through who may; raises Refused or SignInNeeded.

    A coroutine without a wait: Litestar would carry a plain function to a thread each time.
    """
    if handler.opt.get(OPEN):
        return
    deps: WebDeps = connection.app.state.deps
    session = _session(connection, deps)
    if handler.opt.get(PAGE):
        if session is None:
            raise SignInNeeded
        _require_own_page(connection, session)
    elif not (handler.opt.get(EITHER) and session is not None):
        _require_token(connection, deps)


def session_of(connection: AnyConnection) -> Session:
    """The session of a connection that came through the guard of a page."""
    session: Session | None = connection.state.session
    assert session is not None, "only pages behind the guard have a session"
    return session


def _session(connection: AnyConnection, deps: WebDeps) -> Session | None:
    cookie = connection.cookies.get(SESSION_COOKIE)
    session = deps.access.session(cookie, deps.clock.now()) if cookie else None
    connection.state.session = session
    return session


def _require_own_page(connection: AnyConnection, session: Session) -> None:
    """A post must carry what only a page of ours knows, wherever its cookie came from."""
    if connection.scope["method"] in SAFE_METHODS:  # type: ignore[typeddict-item]
        return
    if not session.proves(connection.headers.get(CSRF_HEADER)):
        raise Refused(HTTPStatus.FORBIDDEN, "the page is outdated: reload it and try again")


def _require_token(connection: AnyConnection, deps: WebDeps) -> None:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("the token was missing: send `Authorization: Bearer <API token>`")
    if not deps.access.admits(token.strip()):
        raise unauthorized("the token was wrong: send the API token printed at the first start")
