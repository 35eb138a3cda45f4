"""Signing in to the dashboard: by the printed link, or by pasting the API token."""

from http import HTTPStatus

import msgspec
from litestar import MediaType, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody

from web.access import SESSION_COOKIE, SESSION_HOURS
from web.answers import Refused
from web.connection import AnyRequest
from web.deps import WebDeps
from web.guard import OPEN, PAGE
from web.rendering import Pages
from web.sources import SourceLimiter, source_of

OPEN_DOOR = {OPEN: True}
FORM_BYTES_MAX = 4096


class LoginForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the login page sends."""

    token: str = ""
    next: str = "/"


class LoginDoor:
    """Judges attempts to sign in, slowing down whoever guesses."""

    def __init__(self, deps: WebDeps) -> None:
        self._deps = deps
        self._limiter = SourceLimiter(deps.login_limit)

    def check_pace(self, request: AnyRequest) -> None:
        """Raise Refused if this source tries too often."""
        source = source_of(request, self._deps.trusted_proxies)
        if not self._limiter.admits(source, self._deps.clock.monotonic()):
            message = "too many attempts to sign in: wait a few seconds"
            headers = {"Retry-After": "5"}
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, message, headers=headers)

    def session_cookie(self) -> Cookie:
        """A new session, readable by no script and sent to no other site."""
        value = self._deps.access.issue_cookie(self._deps.clock.now())
        return self._cookie(value, SESSION_HOURS * 3600)

    def no_cookie(self) -> Cookie:
        """Ends the session in this browser."""
        return self._cookie("", 0)

    def _cookie(self, value: str, seconds: int) -> Cookie:
        return Cookie(
            key=SESSION_COOKIE,
            value=value,
            max_age=seconds,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self._deps.secure_cookies,
        )


@get("/login", opt=OPEN_DOOR, media_type=MediaType.HTML, include_in_schema=False)
async def show_login(
    request: AnyRequest,
    deps: NamedDependency[WebDeps],
    pages: NamedDependency[Pages],
    login_door: NamedDependency[LoginDoor],
    token: FromQuery[str | None] = None,
) -> Response[str]:
    """The form; with the token of a sign-in link, the dashboard at once."""
    if token is None:
        return _form(request, pages, "")
    login_door.check_pace(request)
    if deps.access.opens(token, deps.clock.now()):
        return _welcome(request, pages, login_door, "/")
    message = "This link has expired or belongs to another installation. Use the API token."
    return _form(request, pages, message, HTTPStatus.FORBIDDEN)


@post(
    "/login",
    opt=OPEN_DOOR,
    media_type=MediaType.HTML,
    status_code=HTTPStatus.OK,
    request_max_body_size=FORM_BYTES_MAX,
    include_in_schema=False,
)
async def sign_in(
    request: AnyRequest,
    data: URLEncodedBody[LoginForm],
    deps: NamedDependency[WebDeps],
    pages: NamedDependency[Pages],
    login_door: NamedDependency[LoginDoor],
) -> Response[str]:
    """Judge the form."""
    login_door.check_pace(request)
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refused(HTTPStatus.FORBIDDEN, "the form came from another site: open Plimsoll itself")
    if not deps.access.admits(data.token.strip()):
        message = "That was not the API token. It was printed when Plimsoll first started."
        return _form(request, pages, message, HTTPStatus.FORBIDDEN)
    return _welcome(request, pages, login_door, local_path(data.next))


@post("/logout", opt={PAGE: True}, status_code=HTTPStatus.OK, include_in_schema=False)
async def sign_out(login_door: NamedDependency[LoginDoor]) -> Response[str]:
    """End the session of this browser."""
    return Response("", cookies=[login_door.no_cookie()], headers={"HX-Redirect": "/login"})


def local_path(path: str) -> str:
    """A path of this site; anything else leads to the front page."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"


def _form(
    request: AnyRequest, pages: Pages, message: str, status: HTTPStatus = HTTPStatus.OK
) -> Response[str]:
    target = local_path(request.query_params.get("next", "/"))
    html = pages.render("login.html", request, message=message, next=target)
    return Response(html, status_code=status, media_type=MediaType.HTML)


def _welcome(
    request: AnyRequest, pages: Pages, login_door: LoginDoor, target: str
) -> Response[str]:
    """A page that goes on by itself: a redirect would lose a strict cookie set on the way."""
    html = pages.render("welcome.html", request, target=target)
    cookies = [login_door.session_cookie()]
    return Response(html, media_type=MediaType.HTML, cookies=cookies)
