"""The page around the report: a line that says how far the run is, and a frame with the report."""

from functune.report.head import head_element
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
    head = head_element(
        f"{name} · functune watch",
        style=live_asset("watch.css"),
        script=live_asset("watch.js"),
        loads="connect-src 'self'; frame-src 'self'; img-src 'self'; ",  # from this server alone
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
