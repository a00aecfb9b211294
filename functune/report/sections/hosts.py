"""The page's section on the same routes under other servers, such as Gunicorn with Uvicorn."""

from functune.analysis.formatting import count, duration, number
from functune.analysis.host_comparison import Beside, Served
from functune.report.contents import Compared, Contents
from functune.report.markup import Content, Html, element, table


def host_section(contents: Contents) -> Html:
    """A table per experiment and second run; without one, how to get it."""
    return element(
        "section",
        element("h2", "Beside other servers"),
        *(block(each, str(contents.environment.get("host") or "this run")) for each in contents.compared),
        *missing(contents),
        id="servers",
    )


def missing(contents: Contents) -> list[Html]:
    """What is not there, and how to get it."""
    if not contents.elsewhere:
        text = (
            "Gunicorn and Uvicorn were not measured in this run. To compare: serve the same routes there, measure them "
            "with "
        )
        return [
            element(
                "p",
                text,
                element("code", "functune sweep EXPERIMENT.toml --host http://127.0.0.1:8000 --out OTHER"),
                " and draw this report again with ",
                element("code", "functune report RUN --beside OTHER"),
                ".",
                class_="lead",
            )
        ]
    seen = {each.host for each in contents.compared}
    return [
        element("p", f"{host}: none of these routes was measured there at the same numbers of users.", class_="lead")
        for host in contents.elsewhere
        if host not in seen
    ]


def block(compared: Compared, ours: str) -> Html:
    """One experiment beside one second run."""
    caption = f"{compared.experiment}: {ours} with the recommended setting, beside {compared.host}"
    head = ["Route", "Users", "Requests/s here", f"Requests/s {compared.host}", "Ratio", "p95 here", "p95 there"]
    return element(
        "div",
        element("h3", f"{compared.experiment} on {compared.host}"),
        table(caption, head, [row(each) for each in compared.rows]),
        class_="block",
    )


def row(each: Beside) -> list[Content]:
    """One route at one number of users."""
    return [
        each.route,
        count(each.users),
        number(each.ours.throughput),
        number(each.theirs.throughput),
        number(each.ratio),
        p95(each.ours),
        p95(each.theirs),
    ]


def p95(served: Served) -> str:
    """The p95 in words; a dash where there are too few requests."""
    return "-" if served.p95 is None else duration(served.p95)
