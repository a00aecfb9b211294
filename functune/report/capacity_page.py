"""plan.html: the answer, cost against p95, instances over the traffic, every configuration, and what it rests on."""

from collections.abc import Sequence

from functune.capacity.capacity_plan import CapacityPlan
from functune.capacity.explain import concurrency_cells
from functune.capacity.explain_bill import READY_HEAD, ready_cells
from functune.capacity.forecast import Forecast
from functune.capacity.plan_sentence import p95_range_in_words
from functune.formatting import count, duration, money, number, percent
from functune.report.assets import asset
from functune.report.charts.drawing import draw
from functune.report.charts.figure import ChartFigure, figure_html
from functune.report.head import report_head
from functune.report.json_text import embedded_json
from functune.report.links import PLAN_LINK, REPORT_LINK
from functune.report.markup import Content, Html, data_table, element
from functune.report.plan_charts.plan_cost import plan_cost_figure
from functune.report.plan_charts.plan_day import plan_day_figure
from functune.report.sections.tiles import tile

CAPACITY_PAGE, CAPACITY_DOCUMENT = PLAN_LINK.file, "plan.json"
FORECAST_COLUMNS = [
    "Configuration",
    "A month",
    "p50",
    "p95",
    "p99",
    "Instances",
    "At the peak",
    "Starts a day",
    "Wait for a start",
    "Answer",
]


def render_capacity_page(plan: CapacityPlan) -> str:
    """The whole page. The same plan gives the same page; the page loads nothing."""
    title = f"{plan.subject} under {plan.traffic.name}"
    body = element(
        "body",
        element(
            "header",
            element("p", f"functune plan · {plan.experiment}", class_="eyebrow"),
            element("h1", title),
            REPORT_LINK.place,
        ),
        element(
            "main",
            element("p", plan.sentence, class_="lead"),
            plan_tiles(plan),
            figures_block(plan),
            explanation_section(plan),
            bill_section(plan),
            configurations_section(plan),
            grounds_section(plan),
        ),
        element("footer", element("p", "Made by functune from a run's measurements. No instance was started.")),
        element("script", Html(embedded_json(plan)), type="application/json", id="data"),
        element("script", Html(asset("report.js"))),
    )
    return f"<!doctype html>\n{element('html', report_head(title), body, lang='en')}\n"


def plan_tiles(plan: CapacityPlan) -> Html:
    """The cheapest, the present one, and the traffic."""
    meeting = sum(each.keeps_up and each.meets is not False for each in plan.forecasts)
    shown = [("Cheapest", plan.cheapest), ("Present", plan.present)]
    return element(
        "dl",
        *(
            tile(name, f"{money(each.month)} {plan.currency} a month", f"p95 {duration(each.p95)}; {each.title}")
            for name, each in shown
            if each is not None
        ),
        tile(
            "Traffic",
            f"{number(plan.traffic.mean)} requests/s",
            f"{number(plan.traffic.peak)} at the peak; {count(round(plan.traffic.requests_a_month))} a month",
        ),
        tile(
            "Objective",
            plan.objective or "none stated",
            f"{meeting} of {len(plan.forecasts)} configurations {'meet it' if plan.objective else 'keep up'}",
        ),
        class_="tiles",
    )


def figures_block(plan: CapacityPlan) -> Html:
    """Both charts; that of the costs only where a configuration keeps up."""
    made: list[ChartFigure] = [plan_cost_figure(plan)] if plan.frontier else []
    if (day := plan_day_figure(plan)) is not None:
        made.append(day)
    drawn = draw([each.drawing for each in made if each.drawing is not None])
    return element(
        "div",
        *(figure_html(each, html, whole=False) for each, html in zip(made, drawn, strict=True)),
        class_="figures",
    )


def explanation_section(plan: CapacityPlan) -> Html | None:
    """Why there are so many instances; None where the present plan starts none on demand."""
    if plan.explanation is None:
        return None
    rows: list[list[Content]] = [list(concurrency_cells(each)) for each in plan.explanation.by_concurrency]
    head = ["Requests at a time", "Instances", "At the peak", "Starts a day", f"{plan.currency} a month", "p95"]
    return element(
        "section",
        element("h2", "Why so many instances"),
        paragraphs(plan.explanation.sentences),
        data_table("The present size with other per-instance concurrencies", head, rows, class_="steps"),
    )


def bill_section(plan: CapacityPlan) -> Html | None:
    """What the bill counts; None where the present plan starts no instances on demand."""
    if plan.explanation is None:
        return None
    rows: list[list[Content]] = [list(ready_cells(each)) for each in plan.explanation.by_always_ready]
    head = [name if name == "p95" else name.capitalize() for name in READY_HEAD]
    caption = f"The present size with always-ready instances, in {plan.currency} a month"
    return element(
        "section",
        element("h2", "What the bill counts"),
        paragraphs(plan.explanation.bill_sentences),
        data_table(caption, head, rows, class_="steps"),
    )


def paragraphs(sentences: Sequence[str]) -> Html:
    """A paragraph for each of the sentences."""
    return element("div", *(element("p", sentence) for sentence in sentences), class_="prose")


def configurations_section(plan: CapacityPlan) -> Html:
    """Every configuration, cheapest first."""
    caption = f"Configurations, cheapest first, in {plan.currency} a month of 730 hours"
    return element(
        "section",
        element("h2", "Configurations"),
        data_table(caption, FORECAST_COLUMNS, [forecast_row(each, plan) for each in plan.forecasts], class_="steps"),
    )


def forecast_row(forecast: Forecast, plan: CapacityPlan) -> list[Content]:
    """One configuration."""
    return [
        forecast.title,
        money(forecast.month),
        duration(forecast.p50),
        p95_range_in_words(forecast),
        duration(forecast.p99),
        number(forecast.instances),
        count(round(forecast.peak_instances)),
        number(forecast.starts),
        percent(forecast.cold_share),
        answer_in_words(forecast, has_objective=plan.objective is not None),
    ]


def answer_in_words(forecast: Forecast, *, has_objective: bool) -> str:
    """Whether it keeps up and meets the objective."""
    if not forecast.keeps_up:
        return "does not keep up"
    if not has_objective:
        return "keeps up"
    return {True: "meets it", False: "misses it", None: "not known"}[forecast.meets]


def grounds_section(plan: CapacityPlan) -> Html:
    """The notes, the plans that were left out, the rules of the platforms and the prices."""
    left_out = [f"{each.title}: left out, {each.reason}." for each in plan.left_out]
    prices = [f"Prices of {name}: {source}." for name, source in plan.prices.items()]
    settings = [f"Setting on {name}: {setting.in_words}." for name, setting in plan.settings.items()]
    lines = [*plan.notes, *settings, *left_out, *plan.assumptions, *prices]
    return element(
        "section",
        element("h2", "What it rests on"),
        element("ul", *(element("li", line) for line in lines), class_="notes"),
    )
