"""The client of Resource Manager against a stand-in that catches a wrong one."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functune.azure.change import SiteValues, wanted_values
from functune.azure.endpoint import app_url, checked_endpoint
from functune.azure.live_app import LiveApp
from functune.azure.manager import ResourceManager
from functune.azure.pace import Pace
from functune.azure.site_id import parse_site_id
from functune.azure.site_journal import SiteJournal
from functune.errors import ResourceManagerError, UsageError
from tests.azure.stand_in import PARTIAL, SECRETS, SITE, Answer, StandIn, refusal, resource_manager, serving
from tests.host.serving import wait_until

FAST = Pace(retry=0.02, poll=0.02, give_up=30.0, restart=0.0, restart_limit=30.0)
THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in that the credentials of this process find."""
    with resource_manager() as found:
        for name, value in found.environ.items():
            monkeypatch.setenv(name, value)
        yield found


def on_app[Result](
    stand_in: StandIn,
    tmp_path: Path,
    work: Callable[[LiveApp], Coroutine[Any, Any, Result]],
    *,
    pace: Pace = FAST,
    site: str = SITE,
) -> Result:
    """Do something with the app of a stand-in."""

    async def run() -> Result:
        async with ResourceManager.opened(stand_in.base_url, pace=pace) as manager:
            found = parse_site_id(site)
            return await work(LiveApp(found, manager, journal=SiteJournal(found, tmp_path), pace=pace))

    return asyncio.run(run())


async def set_values(app: LiveApp, *, concurrency: int = 16, memory_mb: int | None = 512) -> SiteValues:
    """Change the app as a sweep does."""
    present = await app.read()
    values = wanted_values(present, memory_mb=memory_mb, concurrency=concurrency, app_settings={THREADS: "32"})
    await app.write(values)
    return values


def test_write_sends_the_whole_config_and_keeps_every_other_app_setting(stand_in: StandIn, tmp_path: Path) -> None:
    before, settings = stand_in.state()
    on_app(stand_in, tmp_path, set_values)
    config = before["properties"]["functionAppConfig"]
    scale = config["scaleAndConcurrency"] | {
        "instanceMemoryMB": 512,
        "triggers": {"http": {"perInstanceConcurrency": 16}},
    }
    assert stand_in.document["properties"]["functionAppConfig"] == config | {"scaleAndConcurrency": scale}
    assert stand_in.settings == settings | {THREADS: "32"}


def test_stand_in_refuses_a_part_of_the_config(stand_in: StandIn, tmp_path: Path) -> None:
    """So that the test above can fail: the trap of the platform is there."""

    async def part(app: LiveApp) -> None:
        scale = {"triggers": {"http": {"perInstanceConcurrency": 4}}}
        body = {"properties": {"functionAppConfig": {"scaleAndConcurrency": scale}}}
        await app._manager.write("PATCH", SITE, body)

    with pytest.raises(ResourceManagerError, match="51021") as refused:
        on_app(stand_in, tmp_path, part)
    assert PARTIAL in str(refused.value)
    assert refused.value.status == 400


def test_nothing_is_written_where_nothing_differs(stand_in: StandIn, tmp_path: Path) -> None:
    async def twice(app: LiveApp) -> bool:
        return await app.write(await set_values(app))

    assert not on_app(stand_in, tmp_path, twice)
    assert [each.method for each in stand_in.writes()] == ["PATCH", "PUT"]


def test_only_what_differs_is_written(stand_in: StandIn, tmp_path: Path) -> None:
    async def threads_alone(app: LiveApp) -> None:
        await app.write(SiteValues(scale={"instanceMemoryMB": 2048}, app_settings={THREADS: "8"}))

    on_app(stand_in, tmp_path, threads_alone)
    assert [each.method for each in stand_in.writes()] == ["PUT"]


@pytest.mark.parametrize("by_status_url", [False, True], ids=["Location", "Azure-AsyncOperation"])
def test_accepted_write_is_followed_to_its_end(stand_in: StandIn, tmp_path: Path, by_status_url: bool) -> None:
    stand_in.faults.accepted = 0.3
    stand_in.faults.by_status_url = by_status_url
    on_app(stand_in, tmp_path, set_values)
    assert stand_in.scale["instanceMemoryMB"] == 512
    assert stand_in.settings[THREADS] == "32"
    assert len(stand_in.writes()) == 2, "the second write began before the first had ended"


def test_failed_operation_is_an_error(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.faults.accepted, stand_in.faults.by_status_url, stand_in.faults.fails_operations = 0.1, True, True
    with pytest.raises(ResourceManagerError, match="ended as Failed: The site could not be updated"):
        on_app(stand_in, tmp_path, set_values)


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_passing_refusals_are_waited_out(stand_in: StandIn, tmp_path: Path, status: int) -> None:
    stand_in.faults.busy = [refusal(status, "Passing", "Later.") for _ in range(3)]
    on_app(stand_in, tmp_path, set_values)
    assert stand_in.scale["instanceMemoryMB"] == 512


def test_lasting_refusals_end_the_command(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.faults.busy = [refusal(429, "TooManyRequests", "Too many requests.") for _ in range(1000)]
    with pytest.raises(ResourceManagerError, match=r"429 \(TooManyRequests\) to GET of Microsoft.Web/sites/orders"):
        on_app(stand_in, tmp_path, set_values, pace=Pace(retry=0.02, poll=0.02, give_up=0.5))


@pytest.mark.parametrize("status", [400, 403, 404])
def test_refusals_that_no_repeat_changes_are_not_repeated(stand_in: StandIn, tmp_path: Path, status: int) -> None:
    stand_in.faults.busy = [refusal(status, "No", "No.")]
    with pytest.raises(ResourceManagerError):
        on_app(stand_in, tmp_path, set_values)
    assert len(stand_in.seen) == 1


def test_retry_after_is_kept(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.faults.busy = [refusal(429, "TooManyRequests", "Slowly.", retry_after="1")]
    on_app(stand_in, tmp_path, set_values)
    assert stand_in.seen[1].at - stand_in.seen[0].at >= 1


def test_expired_token_is_renewed(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.faults.token_uses = 2
    on_app(stand_in, tmp_path, set_values)
    assert stand_in.scale["instanceMemoryMB"] == 512
    assert len(stand_in.tokens) > 1


def test_lost_credentials_are_said_and_the_journal_knows_what_to_restore(stand_in: StandIn, tmp_path: Path) -> None:
    before = stand_in.state()

    async def lose(app: LiveApp) -> None:
        present = await app.read()
        values = wanted_values(present, concurrency=16, app_settings={THREADS: "32"})
        change = app.begin("sweep", present, values)
        await app.write(values)
        stand_in.faults.no_tokens = True
        await app.undo(change)

    with pytest.raises(ResourceManagerError, match="no credential provides a token"):
        on_app(stand_in, tmp_path, lose)
    stand_in.faults.no_tokens = False

    async def restore(app: LiveApp) -> None:
        change = app.journal.interrupted()
        assert change is not None
        await app.undo(change)
        assert app.journal.open_changes() == []

    on_app(stand_in, tmp_path, restore)
    assert stand_in.state() == before


def test_reading_that_lags_is_waited_for(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.faults.lag = 0.5
    began = time.monotonic()
    on_app(stand_in, tmp_path, set_values)
    assert time.monotonic() - began >= 0.5
    stand_in.faults.lag = 1000
    with pytest.raises(ResourceManagerError, match="does not show its new values"):
        on_app(
            stand_in,
            tmp_path,
            lambda app: set_values(app, concurrency=17),
            pace=Pace(retry=0.02, poll=0.02, give_up=0.5),
        )


def test_restoring_writes_even_where_the_reading_shows_the_original(stand_in: StandIn, tmp_path: Path) -> None:
    """A killed command may have left an accepted write that has not ended: a look at the app would miss it."""
    before = stand_in.state()
    stand_in.faults.accepted = 60

    async def interrupted(app: LiveApp) -> None:
        present = await app.read()
        values = wanted_values(present, concurrency=16)
        change = app.begin("sweep", present, values)
        writing = asyncio.create_task(app.write(values))
        await asyncio.to_thread(wait_until, lambda: stand_in.pending, "accepted write")
        writing.cancel()
        await asyncio.wait([writing])
        assert stand_in.state() == before, "the write has ended already"
        stand_in.end_pending_in(0.3)
        stand_in.faults.accepted = 0.1
        await app.undo(change)

    on_app(stand_in, tmp_path, interrupted)
    stand_in.wait_for_pending()
    assert stand_in.state() == before


def test_app_settings_changed_by_others_meanwhile_are_kept(stand_in: StandIn, tmp_path: Path) -> None:
    async def change(app: LiveApp) -> None:
        present = await app.read()
        values = wanted_values(present, concurrency=16, app_settings={THREADS: "32"})
        change = app.begin("sweep", present, values)
        await app.write(values)
        stand_in.settings["ADDED_MEANWHILE"] = "yes"
        stand_in.keep_history()
        await app.undo(change)

    on_app(stand_in, tmp_path, change)
    assert stand_in.settings["ADDED_MEANWHILE"] == "yes"
    assert THREADS not in stand_in.settings


def test_messages_show_no_value_of_an_app_setting(stand_in: StandIn, tmp_path: Path) -> None:
    secret = SECRETS["AzureWebJobsStorage"]

    async def refused(app: LiveApp) -> None:
        present = await app.read()
        stand_in.faults.busy = [refusal(400, "BadRequest", f"The value {secret} is wrong.")]
        await app.write(wanted_values(present, concurrency=16))

    with pytest.raises(ResourceManagerError, match=r"The value \*\*\* is wrong") as error:
        on_app(stand_in, tmp_path, refused)
    assert secret not in str(error.value)


def test_secrets_are_not_changed_since_the_journal_would_have_them(stand_in: StandIn, tmp_path: Path) -> None:
    async def change(app: LiveApp, name: str) -> None:
        app.begin("sweep", await app.read(), SiteValues(app_settings={name: "x"}))

    for name in SECRETS:
        with pytest.raises(UsageError, match=f"{name} of orders looks like a secret"):
            on_app(stand_in, tmp_path, lambda app, name=name: change(app, name))
    assert list(tmp_path.iterdir()) == []


def test_operation_elsewhere_gets_no_token(stand_in: StandIn, tmp_path: Path) -> None:
    asked: list[str] = []

    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        asked.append(str(scope["headers"]))

    with serving(elsewhere) as other:
        stand_in.faults.busy = []

        async def write(app: LiveApp) -> None:
            await app.read()
            stand_in.faults.busy = [Answer(202, None, {"location": f"{other}/operations/1"})]
            await app._manager.write("PATCH", SITE, {})

        with pytest.raises(ResourceManagerError, match="sends no token there"):
            on_app(stand_in, tmp_path, write)
    assert asked == []


def test_other_site_is_not_found(stand_in: StandIn, tmp_path: Path) -> None:
    with pytest.raises(ResourceManagerError, match="404"):
        on_app(stand_in, tmp_path, set_values, site=SITE.replace("/orders", "/other"))


@pytest.mark.parametrize(
    "text",
    [
        "orders",
        "https://orders.azurewebsites.net",
        f"{SITE}/slots/staging",
        SITE.replace("Microsoft.Web", "Microsoft.App"),
    ],
)
def test_only_ids_of_function_apps_are_taken(text: str) -> None:
    with pytest.raises(UsageError, match="not the resource id"):
        parse_site_id(text)


def test_id_is_read_in_any_case_and_with_the_prefix_of_host() -> None:
    assert parse_site_id(f"azure:{SITE.upper()}").digest == parse_site_id(SITE).digest


def test_token_goes_to_https_or_loopback_alone() -> None:
    assert checked_endpoint("") == "https://management.azure.com"
    assert checked_endpoint("http://127.0.0.1:8123/") == "http://127.0.0.1:8123"
    for wrong in ("http://management.azure.com", "https://x.invalid/path", "https://me@x.invalid", "ftp://x"):
        with pytest.raises(UsageError, match="FUNCTUNE_RESOURCE_MANAGER"):
            checked_endpoint(wrong)
    assert app_url("orders.azurewebsites.net", "http://127.0.0.1:1") == "https://orders.azurewebsites.net"
    assert app_url("127.0.0.1:7", "https://management.azure.com") == "https://127.0.0.1:7"
    assert httpx.URL(app_url("127.0.0.1:7", "http://127.0.0.1:1")).scheme == "http"
