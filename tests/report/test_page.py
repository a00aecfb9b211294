import json
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from functune.experiments.model import Expectation, Matrix, Where
from functune.report.document import ReportDocument
from functune.report.page import render_page
from functune.report.recommendation_file import recommendation_json
from functune.report.summary import summary
from tests.analysis.simulated import planned, step, sweep
from tests.analysis.verdict.test_mix import measured, mixed
from tests.report.written import ENVIRONMENT, reported, routes, threads

VOID = {"meta", "br", "hr", "link", "img", "input"}
WARNING = "Other programs used up to 1.20 cores while 1 of 18 steps was measured"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """The elements of a page, each with its attributes and the tags around it; unbalanced tags are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> ReportDocument:
    return reported(tmp_path_factory.mktemp("run"), threads(), routes())


@pytest.fixture(scope="module")
def html(document: ReportDocument) -> str:
    return render_page(document)


def test_page_is_one_small_file_that_loads_nothing(html: str) -> None:
    assert len(html.encode()) < 1_500_000
    for tag, attributes, _ in Page(html).elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        for name, value in attributes.items():
            if name in {"src", "srcset", "data", "action", "xlink:href"} or (name == "href" and tag != "a"):
                raise AssertionError(f"{tag} {name}={value}")
            if name == "href":
                assert value is not None
                assert value.startswith("#")
            assert not name.startswith("on")
    assert "url(" not in html
    assert "@import" not in html


def test_page_gives_every_chart_a_text_alternative(html: str) -> None:
    charts = Page(html).all("svg")
    # Two sizes of: cost, throughput, latency and time, of three routes; the blocking one has too few for a p95.
    assert len(charts) == 2 * (4 + 4 + 2)
    for chart in charts:
        assert chart["role"] == "img"
        assert len(chart["aria-label"] or "") > 40


def test_page_has_landmarks_headings_and_labelled_tables(html: str) -> None:
    page = Page(html)
    assert [len(page.all(tag)) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("table")) == len(page.all("caption")) > 3
    assert all(head.get("scope") in {"row", "col"} for head in page.all("th"))
    levels = [int(tag[1]) for tag, _, _ in page.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    identifiers = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert {f"#{identifier}" for identifier in identifiers} >= {link["href"] for link in page.all("a")}


def test_page_names_outcomes_in_words(html: str) -> None:
    assert html.count("✓ holds") == 1
    assert html.count("✗ fails") == 1
    assert "✗ 1 of 2 expectations met" in html


def test_page_and_summary_say_what_was_not_judged_and_why(tmp_path: Path) -> None:
    experiment, steps = threads()
    needs = [msgspec.structs.replace(one, free_cores=2) for one in experiment.expect[:1]]
    experiment = msgspec.structs.replace(experiment, expect=(*needs, *experiment.expect[1:]))
    document = reported(tmp_path, (experiment, steps), environment={**ENVIRONMENT, "cpu_count": 1})
    html, reason = render_page(document), "needs 2 free cores, and the machine has 1"
    Page(html)
    assert "? not judged" in html
    assert f"Not judged: 16 threads serve 160. It {reason}." in html
    assert "✗ 0 of 2 expectations met</span> · <span" in html
    assert "1 not judged" in html
    assert f"| ❔ not judged: {reason} | 16 threads serve 160" in summary(document)
    outcome = json.loads(recommendation_json(document))["experiments"][0]["expectations"][0]
    assert (outcome["result"], outcome["reason"]) == ("not judged", reason)


def test_page_and_summary_show_the_line_of_a_recommended_limiter(tmp_path: Path) -> None:
    line = "current_default_thread_limiter().total_tokens = 80"
    experiment = planned(settings=Matrix(thread_count=(1, 16), limiter_tokens=(80,)))
    document = reported(tmp_path / "with", (experiment, sweep(experiment)))
    values = render_page(document).partition("in Values of local.settings.json")[2].partition("<details>")[0]
    assert line in values
    assert line in summary(document).replace("\\_", "_")
    without = reported(tmp_path / "without", threads())
    assert "total_tokens" not in render_page(without) + summary(without).replace("\\_", "_")


def test_page_and_summary_warn_of_other_programs(tmp_path: Path) -> None:
    experiment, steps = threads()
    disturbed = msgspec.structs.replace(steps[0], other_cpu=1.2)
    document = reported(tmp_path / "disturbed", (experiment, [disturbed, *steps[1:]]))
    html = render_page(document)
    assert f"⚠ {WARNING}" in html
    assert "⚠ 1.20" in html
    assert f"used at most 1.20 cores ({disturbed.subject}, {disturbed.setting}, 1 user, " in html
    assert WARNING in summary(document)
    assert WARNING in recommendation_json(document)
    calm = render_page(reported(tmp_path / "calm", (experiment, steps)))
    assert "⚠" not in calm
    unknown = [msgspec.structs.replace(step, other_cpu=None, host_cpu=None) for step in steps]
    assert "are not known for 18 steps" in render_page(reported(tmp_path / "unknown", (experiment, unknown)))


def test_page_shows_the_environment_known_or_not(html: str) -> None:
    for text in (
        "azure-functions 2.3.0",
        "<dt>load average</dt><dd>0.8 0.25 0.5</dd>",
        "<dt>cpu model</dt><dd>unknown</dd>",
        "<dt>cpu quota</dt><dd>none</dd>",
        "2 cores",
    ):
        assert text in html


def test_figures_of_the_machine_have_their_units(tmp_path: Path) -> None:
    known = {**ENVIRONMENT, "memory_mb": 7936, "core_speed": 23.456789}
    html = render_page(reported(tmp_path, threads(), environment=known))
    assert "<dt>memory, MB</dt><dd>7936</dd>" in html
    assert "<dt>core speed, million additions/s</dt><dd>23.46</dd>" in html


def test_page_is_the_same_for_the_same_input(html: str, tmp_path: Path) -> None:
    assert render_page(reported(tmp_path, threads(), routes())) == html


def test_page_leaves_hostile_strings_inert(tmp_path: Path) -> None:
    where = Where(thread_count=1, users=1)
    experiment = planned(
        question=HOSTILE,
        lesson=HOSTILE,
        routes=("/a<script>alert(2)</script>",),
        users=(1, 64),
        expect=(Expectation(claim=HOSTILE, metric="throughput", where=where, at_least=1),),
    )
    steps = [*sweep(experiment), step(route=experiment.workload.routes[0], experiment=experiment.name, errors=5)]
    steps = [msgspec.structs.replace(one, errors={HOSTILE: 5}) for one in steps]
    hostile = {"host": HOSTILE, "git_commit": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    document = reported(tmp_path, (experiment, steps), environment=hostile)
    page = Page(render_page(document))
    assert [script.get("type") for script in page.all("script")] == ["application/json", None]
    assert page.all("img") == []
    markdown = summary(document)
    assert "<script" not in markdown.replace("\\<script", "")
    assert HOSTILE.replace('"', '\\"') in recommendation_json(document)


def test_page_renders_a_partial_run(tmp_path: Path) -> None:
    experiment, steps = threads()
    html = render_page(reported(tmp_path, (experiment, steps[:4]), (planned(name="not-begun"), []), environment={}))
    Page(html)
    assert "4 of 18 steps measured" in html
    assert "Nothing of this experiment was measured." in html


def test_page_names_the_steps_that_break_littles_law(tmp_path: Path) -> None:
    experiment, steps = threads()
    off = msgspec.structs.replace(steps[0], concurrency=steps[0].concurrency * 2)
    html = render_page(reported(tmp_path, (experiment, [off, *steps[1:]])))
    assert "is off by 50.0 %: /api/sync/sleep?ms=100, T=1 P=1, 1 user" in html
    assert "⚠ doubtful" in html


def test_page_shows_the_figures_of_each_request_of_a_mix(tmp_path: Path) -> None:
    experiment = mixed()
    html = render_page(reported(tmp_path / "run", (experiment, measured(experiment))))
    assert "mix of order (75.0 %), list (25.0 %): each request of the mix." in html
    rows = html.partition("each request of the mix.")[2].partition("</table>")[0]
    steps = 2 * len(experiment.load.users)
    assert (rows.count(">order<"), rows.count(">list<"), rows.count("✗ 1")) == (steps, steps, steps)
