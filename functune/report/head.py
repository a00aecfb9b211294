"""The head of a page: what it is, the policy that locks it, and its style."""

import base64
import hashlib

from functune.report.assets import asset
from functune.report.markup import Html, element


def head_element(title: str, *, style: str, script: str, loads: str = "") -> Html:
    """
    Metadata, policy and style sheet of a page that runs ``script`` and no other.

    ``loads`` has the directives of the policy for a page that loads something, each with its semicolon.
    """
    # markup.py escapes every text of a page; the policy is the second lock.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; {loads}style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="generator", content="functune"),
        element("title", title),
        element("style", Html(f"{asset('base.css')}\n{style}")),
    )


def report_head(title: str) -> Html:
    """The head of a page that is a file: it loads nothing."""
    return head_element(f"{title} · functune", style=asset("report.css"), script=asset("report.js"))
