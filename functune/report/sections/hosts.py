"""The same routes on other servers, such as Gunicorn with Uvicorn."""

from functune.analysis.host_comparison import HostComparison, Served
from functune.formatting import count, duration, number
from functune.report.document import ComparedHost, ReportDocument
from functune.report.markup import Content, Html, data_table, element


def hosts_section(document: ReportDocument) -> Html:
    """A table per experiment and second run; without a second run, how to measure one."""
    return element(
        "section",
        element("h2", "Compared with other servers"),
        *(host_block(each, document.environment.host or "this run") for each in document.compared),
        *without_comparison(document),
        id="servers",
    )


def without_comparison(document: ReportDocument) -> list[Html]:
    """Second runs that share no route with this one; without any, how to measure one."""
    if not document.elsewhere:
        text = (
            "Gunicorn and Uvicorn were not measured in this run. To compare, serve the same routes there, measure them "
            "with "
        )
        return [
            element(
                "p",
                text,
                element("code", "functune sweep EXPERIMENT.toml --host http://127.0.0.1:8000 --out OTHER"),
                " and make this report again with ",
                element("code", "functune report RUN --beside OTHER"),
                ".",
                class_="lead",
            )
        ]
    seen = {each.host for each in document.compared}
    return [
        element("p", f"{host}: none of these routes was measured there at the same numbers of users.", class_="lead")
        for host in document.elsewhere
        if host not in seen
    ]


def host_block(compared: ComparedHost, ours: str) -> Html:
    """One experiment compared with one second run."""
    caption = f"{compared.experiment}: {ours} with the recommended setting, compared with {compared.host}"
    head = ["Route", "Users", "Requests/s here", f"Requests/s {compared.host}", "Ratio", "p95 here", "p95 there"]
    return element(
        "div",
        element("h3", f"{compared.experiment} on {compared.host}"),
        data_table(caption, head, [served_row(each) for each in compared.rows]),
        class_="block",
    )


def served_row(each: HostComparison) -> list[Content]:
    """One route at one number of users."""
    return [
        str(each.subject),
        count(each.users),
        number(each.ours.throughput),
        number(each.theirs.throughput),
        number(each.ratio),
        p95_in_words(each.ours),
        p95_in_words(each.theirs),
    ]


def p95_in_words(served: Served) -> str:
    """The p95 in words; a dash where there are too few requests."""
    return "-" if served.p95 is None else duration(served.p95)
