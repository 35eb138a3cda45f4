"""Puts the web together: the webhook, the API, the dashboard, all closed unless said open."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

from litestar import Litestar, MediaType, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler, Message, Scope

from web.answers import EXCEPTION_HANDLERS, answer_to, json_answer, unauthorized
from web.api import choose_log_rows, read_router
from web.choice import choose
from web.connection import AnyRequest
from web.deps import WebDeps
from web.documents import HealthReport
from web.guard import EITHER, OPEN, SignInNeeded, require_access
from web.live import follow_changes
from web.login import LoginDoor, show_login, sign_in, sign_out
from web.offset_api import offset_router
from web.operator_api import operator_router
from web.pages import (
    provide_visit,
    save_settings,
    show_fragment,
    show_outcome,
    show_page,
    take_action,
)
from web.reference import show_reference
from web.refusal_pages import for_readers
from web.rendering import STATIC, Pages, read_manifest
from web.webhook import BODY_BYTES_MAX, WebhookDoor, receive_signal

YEAR_SECONDS = 31_536_000

SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


def create_app(deps: WebDeps) -> Litestar:
    """The whole web. Raises AssetsMissing if the browser's files were not built."""
    pages = Pages(deps, read_manifest())
    webhook = WebhookDoor(deps)
    login_door = LoginDoor(deps)
    return Litestar(
        route_handlers=_routes(),
        guards=[require_access],
        dependencies={
            "deps": Provide(lambda: deps, sync_to_thread=False),
            "pages": Provide(lambda: pages, sync_to_thread=False),
            "webhook": Provide(lambda: webhook, sync_to_thread=False),
            "login_door": Provide(lambda: login_door, sync_to_thread=False),
            "choice": Provide(choose),
            "visit": Provide(provide_visit),
            "log_filter": Provide(choose_log_rows, sync_to_thread=False),
        },
        exception_handlers={**for_readers(pages, EXCEPTION_HANDLERS), SignInNeeded: _to_login},
        before_send=[_add_security_headers],
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=_openapi(deps.version),
        state=State({"deps": deps, "changes": deps.changes}),
        logging_config=None,
    )


@get("/health", opt={OPEN: True}, tags=["Health"])
async def read_health(deps: NamedDependency[WebDeps]) -> Response[bytes]:
    """200 while signals are taken and worked, else 503 with what is wrong."""
    health = await deps.health()
    report = HealthReport(
        status="ok" if health.is_ok else "degraded",
        engine=health.engine,
        database=health.database,
        notifiers=health.notifiers,
        version=deps.version,
    )
    status = HTTPStatus.OK if health.is_ok else HTTPStatus.SERVICE_UNAVAILABLE
    return json_answer(report, status)


@get(["/favicon.ico", "/favicon.svg"], opt={OPEN: True}, include_in_schema=False)
async def read_favicon() -> Response[bytes]:
    """The mark on the hull."""
    picture = (STATIC / "favicon.svg").read_bytes()
    return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def _routes() -> Sequence[ControllerRouterHandler]:
    static = create_static_files_router(
        path="/static/build",
        directories=[STATIC / "build"],
        opt={OPEN: True},
        include_in_schema=False,
        after_request=_keep_for_ever,
    )
    return [
        receive_signal,
        read_health,
        read_router(),
        operator_router(),
        offset_router(),
        read_favicon,
        static,
        show_login,
        sign_in,
        sign_out,
        follow_changes,
        show_reference,
        show_outcome,
        take_action,
        save_settings,
        show_fragment,
        show_page,
    ]


def _openapi(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Plimsoll",
        version=version,
        use_handler_docstrings=True,
        description="Trade execution, risk first. Decimals are strings, times UTC.",
        create_examples=False,
        openapi_router=Router(
            "/schema", route_handlers=[], opt={EITHER: True}, include_in_schema=False
        ),
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}
        ),
    )


def _keep_for_ever(response: Response[bytes]) -> Response[bytes]:
    """Built files are named after their content."""
    response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    return response


def _to_login(request: AnyRequest, _error: SignInNeeded) -> Response[bytes]:
    """A page goes to the login form; what runs within a page is told to."""
    target = quote(request.url.path, safe="/")
    if request.headers.get("hx-request"):
        answer = json_answer({"message": "sign in again"}, HTTPStatus.UNAUTHORIZED)
        answer.headers["HX-Redirect"] = "/login"
        return answer
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        location = {"Location": f"/login?next={target}"}
        return Response(
            b"", status_code=HTTPStatus.SEE_OTHER, headers=location, media_type=MediaType.HTML
        )
    return answer_to(unauthorized("the session was missing or has ended: sign in at /login"))


async def _add_security_headers(message: Message, _scope: Scope) -> None:
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], *SECURITY_HEADERS]
