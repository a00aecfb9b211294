"""The page around the report: a line that says how far the run is, and a frame with the report."""

import base64
import hashlib

from functune.report.assets import theme_colors
from functune.report.markup import Html, element
from functune.watch.assets import live_asset
from functune.watch.live_run import LiveState


def live_page(state: LiveState, name: str) -> str:
    """The page of the run with this name. Its script asks for the state, and replaces the frame with the report."""
    body = element(
        "body",
        element(
            "header",
            element("h1", name),
            element("p", state.headline, id="headline", role="status"),
            element("a", "The report alone", href="report.html", target="_blank"),
            element("p", state.detail, id="detail"),
        ),
        element("main", id="frames"),
        element("script", Html(live_asset("watch.js"))),
    )
    return f"<!doctype html>\n{element('html', live_head(name), body, lang='en')}\n"


def live_head(name: str) -> Html:
    """Metadata, policy and style sheet: no request but to this server, and no script but watch.js."""
    digest = base64.b64encode(hashlib.sha256(live_asset("watch.js").encode()).digest()).decode()
    policy = (
        f"default-src 'none'; connect-src 'self'; frame-src 'self'; img-src 'self'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("title", f"{name} · functune watch"),
        element("style", Html(f"{themes()}\n{live_asset('watch.css')}")),
    )


def themes() -> str:
    """The colours of the report, for light and for dark."""
    light, dark = (
        f":root {{ color-scheme: {theme}; {' '.join(f'--{name}: {color};' for name, color in colors.items())} }}"
        for theme, colors in (("light", theme_colors("light")), ("dark", theme_colors("dark")))
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}"
