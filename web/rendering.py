"""Renders pages: the templates, the bundled assets and what every page needs to know."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from web import figures, rule_words
from web.charts import curve
from web.connection import AnyRequest
from web.deps import WebDeps

WEB = Path(__file__).parent
TEMPLATES = WEB / "templates"
STATIC = WEB / "static"
MANIFEST = STATIC / "build" / "manifest.json"
THEME_COOKIE = "plimsoll_theme"
THEMES = frozenset({"light", "dark"})

_FILTERS = (
    figures.money,
    figures.signed,
    figures.percent,
    figures.share,
    figures.exact,
    figures.short,
    figures.number,
    figures.price,
    figures.trend,
    figures.bar,
    figures.stamp,
    figures.iso,
    figures.age,
    figures.span,
    figures.words,
    figures.sentence,
    figures.until,
    rule_words.awaited,
    rule_words.ruled,
    rule_words.limited,
    rule_words.held_by,
    rule_words.criterion,
    figures.ranking,
    figures.indented,
)


class AssetsMissing(Exception):  # noqa: N818 - named by what is to be done about it
    """The browser's files were not built."""


def read_manifest(path: Path = MANIFEST) -> Mapping[str, str]:
    """Asset names and the hashed files they were built to. Raises AssetsMissing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError as error:
        raise AssetsMissing(
            f"{path.name} was not found: build the assets with `python -m web.assets.build`"
        ) from error


class Pages:
    """The templates. Everything is escaped, and a misspelt name is an error, not an empty cell."""

    def __init__(self, deps: WebDeps, manifest: Mapping[str, str]) -> None:
        self._deps = deps
        self._manifest = manifest
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update({each.__name__: each for each in _FILTERS})
        self._environment.globals.update(asset=self.asset, curve=curve)

    def render(self, template: str, request: AnyRequest, **values: object) -> str:
        """One page or fragment as HTML."""
        now = self._deps.clock.now()
        return self._environment.get_template(template).render(
            now=now,
            version=self._deps.version,
            theme=theme_of(request),
            path=request.url.path,
            **values,
        )

    def asset(self, name: str) -> str:
        """The address of a bundled file. It changes with the content: to be kept for ever."""
        return f"/static/build/{self._manifest[name]}"


def theme_of(request: AnyRequest) -> str:
    """`light` or `dark` if the reader chose; empty follows the system."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
