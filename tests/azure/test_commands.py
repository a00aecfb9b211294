"""functune azure show, apply and revert, against the stand-in."""

import json
from pathlib import Path

import pytest

from functune.azure.change import SiteValues
from functune.azure.production import production_signs
from functune.azure.site import LiveSite
from functune.azure.site_id import parse_site_id
from functune.azure.site_journal import SiteJournal
from functune.doctor.live import LIVE_RULES
from tests.azure.stand_in import SECRETS, SITE, StandIn, flex_site
from tests.cli.calling import run
from tests.report.written import run_folder, threads

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"


def site_with(**settings: str) -> LiveSite:
    """The app of the stand-in with further app settings."""
    document = flex_site("orders.azurewebsites.net")
    return LiveSite(id=parse_site_id(SITE), properties=document["properties"], app_settings=settings)


def test_show_has_configured_and_effective_values_and_no_other_value(live: StandIn) -> None:
    live.settings |= {"FUNCTIONS_WORKER_PROCESS_COUNT": "2", THREADS: "many", "WEBSITE_TIME_ZONE": "UTC"}
    live.keep_history()
    shown = run("azure", "show", SITE)
    assert shown.exit_code == 0, shown.output
    lines = {line.split("  ")[0]: line for line in shown.output.splitlines()}
    assert "1 at a time, the default for Python" in lines["perInstanceConcurrency"]
    assert "documented as not valid on Flex Consumption" in lines["FUNCTIONS_WORKER_PROCESS_COUNT"]
    for rule in ("setting-not-on-plan", "thread-count", "live-one-at-a-time"):
        assert f"[{rule}]" in shown.output
    assert "WEBSITE_TIME_ZONE is set, and Flex Consumption does not take it." in shown.output
    assert [value for value in SECRETS.values() if value in shown.output] == []
    assert live.writes() == []


def test_show_as_json_counts_the_other_settings(live: StandIn) -> None:
    document = json.loads(run("azure", "show", SITE, "--format", "json").output)
    assert document["other_app_settings"] == len(live.settings)
    assert {each["name"]: each["configured"] for each in document["settings"]}["instanceMemoryMB"] == "2048"
    assert "live-one-at-a-time" in [each["rule"] for each in document["findings"]]


def test_show_fails_on_an_error(live: StandIn) -> None:
    live.settings["FUNCTIONS_WORKER_PROCESS_COUNT"] = "200"
    live.keep_history()
    assert run("azure", "show", SITE).exit_code == 1


def test_each_rule_for_live_apps_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "azure-live.md").read_text()
    assert [rule.id for rule in LIVE_RULES if f"`{rule.id}`" not in page] == []


def recommending(folder: Path) -> Path:
    """A run that recommends something for Flex Consumption."""
    experiment, measured = threads()
    return run_folder(folder, [experiment], measured)


def test_apply_shows_the_difference_sets_it_and_revert_takes_it_back(live: StandIn, tmp_path: Path) -> None:
    before = live.state()
    folder = recommending(tmp_path / "run")
    dry = run("azure", "apply", str(folder), SITE, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "perInstanceConcurrency: default -> " in dry.output
    assert live.state() == before
    asked = run("azure", "apply", str(folder), SITE)
    assert asked.exit_code == 2
    assert "add --yes" in asked.output
    assert live.state() == before

    applied = run("azure", "apply", str(folder), SITE, "--yes")
    assert applied.exit_code == 0, applied.output
    changes = [line.split(" -> ") for line in dry.output.splitlines() if " -> " in line]
    assert f"{live.scale['triggers']['http']['perInstanceConcurrency']}" == changes[0][1]
    assert set(SECRETS.items()) <= set(live.settings.items())
    assert "functune applied settings at" in run("azure", "show", SITE).output

    reverted = run("azure", "revert", SITE, "--yes")
    assert reverted.exit_code == 0, reverted.output
    assert live.state() == before
    assert "nothing to restore" in run("azure", "revert", SITE, "--yes").output


def test_apply_of_what_is_there_writes_nothing(live: StandIn, tmp_path: Path) -> None:
    folder = recommending(tmp_path / "run")
    run("azure", "apply", str(folder), SITE, "--yes")
    written = len(live.writes())
    again = run("azure", "apply", str(folder), SITE, "--yes")
    assert "has these settings already" in again.output
    assert len(live.writes()) == written
    answer = json.loads(run("azure", "apply", str(folder), SITE, "--yes", "--json").stdout)
    assert (answer["id"], answer["changes"], answer["is_applied"]) == (SITE, [], False)


def test_revert_answers_with_what_it_took_back(live: StandIn, tmp_path: Path) -> None:
    before = live.scale["triggers"]
    folder = str(recommending(tmp_path / "run"))
    dry = json.loads(run("azure", "apply", folder, SITE, "--dry-run", "--json").stdout)
    applied = json.loads(run("azure", "apply", folder, SITE, "--yes", "--json").stdout)
    assert (dry["is_applied"], applied["is_applied"]) == (False, True)
    assert dry["changes"] == applied["changes"] != []
    reverted = json.loads(run("azure", "revert", SITE, "--yes", "--json").stdout)
    assert [(each["after"], each["name"], each["before"]) for each in reverted["changes"]] == [
        (each["before"], each["name"], each["after"]) for each in applied["changes"]
    ]
    assert live.scale["triggers"] == before


def test_production_is_changed_only_when_the_user_says_so(live: StandIn, tmp_path: Path) -> None:
    live.document["tags"] = {"environment": "Production"}
    live.keep_history()
    refused = run("azure", "apply", str(recommending(tmp_path / "run")), SITE)
    assert refused.exit_code == 2
    assert "looks like production: its tag environment has the word 'Production'" in refused.output
    assert live.writes() == []


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"hostNames": ["orders.azurewebsites.net", "orders.example.com"]}, "host name of its own, orders.example.com"),
        ({"always": [{"name": "http", "instanceCount": 2}]}, "always ready (http: 2)"),
        ({"strategy": "RollingUpdate"}, "its update strategy is RollingUpdate"),
    ],
)
def test_signs_of_production(change: dict[str, object], sign: str) -> None:
    site = site_with()
    assert list(production_signs(site)) == []
    site.properties["hostNames"] = change.get("hostNames", [])
    site.scale["alwaysReady"] = change.get("always", [])
    site.config["siteUpdateStrategy"] = {"type": change.get("strategy", "Recreate")}
    [found] = production_signs(site)
    assert sign in found


@pytest.mark.parametrize(
    ("name", "is_production"),
    [
        ("orders-prod", True),
        ("prod-orders", True),
        ("product-list", False),
        ("reproduce", False),
        ("live-orders", True),
    ],
)
def test_words_of_production_are_whole_words(name: str, is_production: bool) -> None:
    site = site_with()
    named = LiveSite(id=site.id._replace(name=name), properties=site.properties, app_settings={})
    assert bool(list(production_signs(named))) == is_production


def test_journal_is_readable_by_its_owner_alone_and_forgets_no_open_change(tmp_path: Path) -> None:
    journal = SiteJournal(parse_site_id(SITE), tmp_path / "state")
    with journal.locked():
        first = journal.begin("apply", SiteValues(app_settings={THREADS: None}))
        second = journal.begin("sweep", SiteValues(scale={"triggers": None}))
    assert journal.path.stat().st_mode & 0o777 == 0o600
    with journal.path.open("ab") as file:
        file.write(b'{"number": 9, "si')  # killed in the middle of a line
    assert journal.interrupted() == second
    journal.end(second)
    assert journal.open_changes() == [first]
    assert journal.open_changes()[0].before.app_settings == {THREADS: None}


def test_two_commands_do_not_change_an_app_at_once(live: StandIn, tmp_path: Path) -> None:
    with SiteJournal(parse_site_id(SITE)).locked():
        refused = run("azure", "revert", SITE, "--yes")
    assert refused.exit_code == 2
    assert "another functune command is changing orders" in refused.output


def test_search_within_a_budget_is_refused_with_what_to_run(live: StandIn) -> None:
    refused = run("tune", "/api/wait", "--host", f"azure:{SITE}")
    assert refused.exit_code == 2
    assert f"run `functune sweep EXPERIMENT.toml --host azure:{SITE}`" in refused.output
    assert live.seen == []


def test_wrong_ids_and_missing_sign_in_are_said(live: StandIn) -> None:
    assert run("azure", "show", "orders").exit_code == 2
    live.faults.no_tokens = True
    lost = run("azure", "show", SITE)
    assert lost.exit_code == 3
    assert "az login" in lost.output
