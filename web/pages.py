"""The dashboard: pages rendered here, kept live by fragments a page asks for when told."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Annotated, get_args

import msgspec
from litestar import MediaType, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody

from application.inputs import OperatorAction
from domain.settings import Settings
from domain.settings_document import DOCUMENT_BYTES_MAX
from projections.pages import EquityWanted
from projections.position_views import GroupState, GroupView
from projections.views import Kind, LogFilter, Severity
from web.answers import Refused, invalid
from web.choice import Choice
from web.connection import AnyRequest
from web.curves import equity_curve
from web.deps import WebDeps
from web.guard import PAGE, session_of
from web.operator_api import ruling_outlook, submit_settings, submit_wish
from web.operator_wish import OperatorWish, check_wish
from web.outcomes import Wished, outcome_of
from web.rendering import Pages
from web.webhook import WebhookDoor

Values = Mapping[str, object]

BEHIND_SESSION = {PAGE: True}
OPEN_STATES: tuple[GroupState, ...] = (
    "WAITING",
    "LIVE",
    "DCA_ACTIVE",
    "PROFIT_TAKING",
    "CLOSING",
)
OPEN_ROWS_MAX = 200
CLOSED_ROWS = 20
LEDGER_ROWS = 100
CURVE_POINTS = 400
# How far back an equity curve may go; all of it unless it is named here.
SPANS: Mapping[str, timedelta] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
ALL_OF_IT = "all"
KINDS: tuple[str, ...] = get_args(Kind)
SEVERITIES: tuple[str, ...] = get_args(Severity)


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What one request of a page is about."""

    request: AnyRequest
    deps: WebDeps
    choice: Choice
    webhook: WebhookDoor
    page: str = "overview"

    @property
    def account(self) -> str:
        """The account it is about."""
        return self.choice.account

    def listed(self, name: str) -> frozenset[str]:
        """A comma-separated parameter, e.g. the rows a page has open."""
        text = self.request.query_params.get(name, "")
        return frozenset(text.split(",")[:OPEN_ROWS_MAX]) - {""}


async def _overview(visit: Visit) -> Values:
    overview = await visit.deps.views.overview(visit.account, visit.choice.at)
    return {"overview": overview, "engine": visit.deps.status()}


async def _groups(visit: Visit) -> Values:
    views, at = visit.deps.views, visit.choice.at
    groups = await views.groups(visit.account, OPEN_STATES, at=at)
    closed: tuple[GroupView, ...] = ()
    if visit.page == "positions":
        closed = await views.groups(visit.account, ("CLOSED",), limit=CLOSED_ROWS, at=at)
    return {"groups": groups, "closed": closed, "open_rows": visit.listed("open")}


async def _queue(visit: Visit) -> Values:
    return {"queue": await visit.deps.views.queue(visit.account, visit.choice.at)}


async def _risk(visit: Visit) -> Values:
    return {"risk": await visit.deps.views.risk(visit.account, visit.choice.at)}


async def _equity(visit: Visit) -> Values:
    """The risk page looks at the last day first, the performance page at all there is."""
    usual = "day" if visit.page == "risk" else ALL_OF_IT
    span = visit.request.query_params.get("span", usual)
    wanted = EquityWanted(last=SPANS.get(span), points=CURVE_POINTS)
    view = await visit.deps.views.equity(visit.account, wanted, visit.choice.at)
    ruling = msgspec.json.decode(visit.choice.chosen.settings, type=Settings)
    curve = equity_curve(view, ruling.risk.max_drawdown_percent) if view else None
    spans = (*SPANS, ALL_OF_IT)
    chosen = span if span in SPANS else ALL_OF_IT
    return {"equity": view, "equity_curve": curve, "spans": spans, "span": chosen}


async def _offsets(visit: Visit) -> Values:
    views = visit.deps.views
    offsets = await views.offsets(visit.account, at=visit.choice.at)
    return {"offsets": offsets, "open_rows": visit.listed("open")}


async def _plan(visit: Visit) -> Values:
    """The plan is of now, and of the engine's own rules: it is not drawn from the read tables."""
    if visit.choice.at is not None:
        return {"outlook": None, "trouble": ""}
    try:
        return {"outlook": await visit.deps.offset_outlook(visit.account), "trouble": ""}
    except Refused as refused:
        return {"outlook": None, "trouble": refused.refusal.message}


async def _refusals(visit: Visit) -> Values:
    denials = await visit.deps.views.denials(visit.account, visit.choice.at)
    return {"denials": denials, "open_rows": visit.listed("open")}


async def _signals(visit: Visit) -> Values:
    views = visit.deps.views
    signals = await views.signals(visit.account, limit=LEDGER_ROWS, at=visit.choice.at)
    answers = visit.webhook.counts.totals
    return {"signals": signals, "answers": answers, "open_rows": visit.listed("open")}


async def _log(visit: Visit) -> Values:
    chosen = _log_filter(visit.request)
    rows = await visit.deps.views.log(visit.account, chosen, visit.choice.at)
    return {"log": rows, "filter": chosen, "kinds": KINDS, "severities": SEVERITIES}


async def _performance(visit: Visit) -> Values:
    views, at = visit.deps.views, visit.choice.at
    sampled = await views.equity(visit.account, EquityWanted(points=2), at)
    return {"performance": await views.performance(visit.account, at), "sampled": sampled}


async def _settings(visit: Visit) -> Values:
    return {"settings": visit.choice.chosen, "outlook": ruling_outlook(visit.choice)}


FRAGMENTS: Mapping[str, Callable[[Visit], Awaitable[Values]]] = {
    "overview": _overview,
    "groups": _groups,
    "queue": _queue,
    "risk": _risk,
    "equity": _equity,
    "plan": _plan,
    "offsets": _offsets,
    "refusals": _refusals,
    "signals": _signals,
    "log": _log,
    "performance": _performance,
    "settings": _settings,
}

PAGES: Mapping[str, tuple[str, ...]] = {
    "overview": ("overview", "groups", "queue", "signals"),
    "positions": ("overview", "groups"),
    "queue": ("overview", "queue"),
    "signals": ("overview", "signals"),
    "risk": ("overview", "risk", "equity", "plan", "offsets", "refusals"),
    "log": ("overview", "log"),
    "performance": ("overview", "equity", "performance"),
    "settings": ("overview", "settings"),
}
"""What each page shows; the first of it is the strip of tiles on top of every page."""


async def provide_visit(
    request: AnyRequest,
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    webhook: NamedDependency[WebhookDoor],
) -> Visit:
    """What a page's handler needs; a fragment says of which page it is a part."""
    page = request.path_params.get("page", request.query_params.get("page", "overview"))
    return Visit(request=request, deps=deps, choice=choice, webhook=webhook, page=page)


@get(
    ["/", "/{page:str}"],
    opt=BEHIND_SESSION,
    media_type=MediaType.HTML,
    include_in_schema=False,
)
async def show_page(
    visit: NamedDependency[Visit], pages: NamedDependency[Pages], page: FromPath[str] = "overview"
) -> str:
    """One page, complete: it reads well before any script has run."""
    if page not in PAGES:
        raise Refused(HTTPStatus.NOT_FOUND, f"page was {page[:40]}: choose one of the menu")
    values: dict[str, object] = {}
    for name in PAGES[page]:
        values.update(await FRAGMENTS[name](visit))
    fragments = PAGES[page][1:]
    return pages.render(
        "page.html", visit.request, **_frame(visit), page=page, fragments=fragments, **values
    )


@get(
    "/fragments/{fragment:str}",
    opt=BEHIND_SESSION,
    media_type=MediaType.HTML,
    include_in_schema=False,
)
async def show_fragment(
    visit: NamedDependency[Visit], pages: NamedDependency[Pages], fragment: FromPath[str]
) -> str:
    """One part of a page as it reads now."""
    if fragment not in FRAGMENTS:
        raise Refused(HTTPStatus.NOT_FOUND, f"fragment was {fragment[:40]}: reload the page")
    values = await FRAGMENTS[fragment](visit)
    template = f"fragments/{fragment}.html"
    return pages.render(template, visit.request, **_frame(visit), page=visit.page, **values)


@get("/outcome", opt=BEHIND_SESSION, media_type=MediaType.HTML, include_in_schema=False)
async def show_outcome(
    visit: NamedDependency[Visit],
    pages: NamedDependency[Pages],
    after: FromQuery[int],
    action: Annotated[str, QueryParameter(max_length=40)] = "",
    subject: Annotated[str, QueryParameter(max_length=200)] = "",
) -> str:
    """What the log says an operator's wish has caused, and nothing that happened beside it.

    The same refusal is told once a day: one of before still answers the wish.
    """
    wish = Wished(action=action, subject=subject, after=after)
    told = await outcome_of(visit.deps.views, visit.account, wish)
    return pages.render(
        "fragments/outcome.html", visit.request, **_frame(visit), told=told, wish=wish
    )


class ActionForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the confirmation dialog sends; `percent` of a reduction, `amount` of a transfer."""

    action: OperatorAction
    subject: str = ""
    reason: str = ""
    percent: str = ""
    amount: str = ""


@post(
    "/actions",
    opt=BEHIND_SESSION,
    media_type=MediaType.HTML,
    status_code=HTTPStatus.ACCEPTED,
    include_in_schema=False,
)
async def take_action(
    visit: NamedDependency[Visit],
    pages: NamedDependency[Pages],
    data: URLEncodedBody[ActionForm],
) -> str:
    """Make the operator's wish durable; the answer waits on the page for its outcome."""
    wish = OperatorWish(
        action=data.action,
        subject=data.subject,
        reason=data.reason.strip(),
        percent=_number("percent", data.percent.strip()),
        amount=_number("amount", data.amount.strip()),
    )
    check_wish(wish, visit.account)
    after = await _position(visit)
    accepted = await submit_wish(visit.deps, visit.choice, wish)
    values = {"wish": wish, "accepted": accepted, "after": after}
    return pages.render("fragments/accepted.html", visit.request, **_frame(visit), **values)


class SettingsForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings page sends."""

    document: str
    reason: str = ""


@post(
    "/actions/settings",
    opt=BEHIND_SESSION,
    media_type=MediaType.HTML,
    status_code=HTTPStatus.ACCEPTED,
    request_max_body_size=2 * DOCUMENT_BYTES_MAX,
    include_in_schema=False,
)
async def save_settings(
    visit: NamedDependency[Visit],
    pages: NamedDependency[Pages],
    data: URLEncodedBody[SettingsForm],
) -> str:
    """Make new settings durable, validated as a whole."""
    after = await _position(visit)
    document, reason = data.document.encode(), data.reason.strip()
    accepted = await submit_settings(visit.deps, visit.choice, document, reason)
    values = {"wish": None, "accepted": accepted, "after": after}
    return pages.render("fragments/accepted.html", visit.request, **_frame(visit), **values)


def _frame(visit: Visit) -> dict[str, object]:
    """What every template reads: the account, the session and where the page stands."""
    query = visit.request.query_params
    return {
        "choice": visit.choice,
        "csrf": session_of(visit.request).csrf,
        "moment": query.get("at", ""),
        "pages": tuple(PAGES),
    }


def _number(field: str, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise invalid(field, text[:40], "write a number, with a point for its decimals") from error


async def _position(visit: Visit) -> int:
    overview = await visit.deps.views.overview(visit.account)
    return overview.position if overview else 0


def _log_filter(request: AnyRequest) -> LogFilter:
    query = request.query_params
    before = query.get("before", "")
    chosen = {
        "kinds": [kind for kind in query.getall("kind", []) if kind in KINDS],
        "severities": [each for each in query.getall("severity", []) if each in SEVERITIES],
        "symbol": query.get("symbol", "").strip()[:80],
        "text": query.get("text", "").strip()[:200],
        "correlation_id": query.get("correlation", "").strip()[:80],
        "before": int(before) if before.isascii() and before.isdigit() else None,
    }
    return msgspec.convert(chosen, LogFilter)
