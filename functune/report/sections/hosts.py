"""The same routes on other servers, such as Gunicorn with Uvicorn."""

from collections.abc import Sequence

from functune.analysis.host_comparison import HostComparison, Served
from functune.analysis.server_choice import ServerChoice, ServerStanding, overhead_in_words
from functune.formatting import count, duration, joined, number, number_range
from functune.report.document import ComparedHost, ReportDocument
from functune.report.markup import Content, Html, data_table, element


def hosts_section(document: ReportDocument) -> Html:
    """A table per experiment and second run; without a second run, how to measure one."""
    return element(
        "section",
        element("h2", "Which server for this handler"),
        *(server_block(each, document.currency) for findings in document.experiments for each in findings.servers),
        *(host_block(each, document.environment.host or "this run") for each in document.compared),
        *without_comparison(document),
        id="servers",
    )


def without_comparison(document: ReportDocument) -> list[Html]:
    """Second runs that share no route with this one; without any, how to measure one."""
    if not document.elsewhere and not any(findings.servers for findings in document.experiments):
        text = "This run measured one server. To compare several in one run, list them under [settings]: "
        return [
            element(
                "p",
                text,
                element("code", 'host = ["local", "gunicorn:gthread", "uvicorn"]'),
                ". An app that runs elsewhere is measured by its URL, and joins this report with ",
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


def server_block(choice: ServerChoice, currency: str) -> Html:
    """The servers for one subject, each with its best setting."""
    head = ["Server", "Setting", "Users", "Requests/s", "Across repeats", "Fastest / this", "p95", "Memory, MB"]
    head.append(f"{currency} a million")
    return element(
        "div",
        element("h3", element("code", str(choice.subject))),
        element("p", choice.verdict, class_="answer"),
        data_table(f"{choice.subject} on each server", head, [server_row(each) for each in choice.standings]),
        element("p", overhead_in_words(choice.standings), class_="muted"),
        element("p", cost_in_words(choice.standings), class_="muted"),
        class_="block",
    )


def server_row(each: ServerStanding) -> list[Content]:
    """One server with its best setting."""
    return [
        each.host,
        each.setting.in_words.removesuffix(f", on {each.host}"),
        count(each.users),
        number(each.throughput),
        "-" if each.spread is None else number_range(each.spread.low, each.spread.high),
        "-" if each.times_slower is None else number_range(each.times_slower.low, each.times_slower.high),
        "-" if each.p95 is None else duration(each.p95),
        "-" if each.memory_mb is None else number(each.memory_mb),
        "-" if each.cost is None else number(each.cost),
    ]


def cost_in_words(standings: Sequence[ServerStanding]) -> str:
    """The instances that the costs are for, and how far they can be compared; empty where there are none."""
    hosts: dict[str, list[str]] = {}
    for each in standings:
        if each.cost is not None:
            hosts.setdefault(each.priced_instance, []).append(each.host)
    if not hosts:
        return ""
    instances = joined([f"{instance} for {joined(names)}" for instance, names in hosts.items()])
    return (
        f"The cost of a million requests is that of an always busy instance, {instances}, with the throughput of this "
        "machine. Use it to compare the settings of one plan, not to budget: instances of two plans have other cores, "
        "and only some are billed while they rest."
    )


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
