"""The servers of one run compared for a handler: a difference is claimed where the repeats show it."""

from collections.abc import Iterator

import msgspec

from functune.analysis.numbers.levels import levels_of
from functune.analysis.server_choice import choose_server, overhead_in_words
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import step


def measured(
    host: str, wait: float, *, repeats: int = 3, factors: tuple[float, ...] = (1, 1, 1)
) -> Iterator[Measurement]:
    """Steps of 1 and 8 users on a host whose handler waits this long, in each repeat times a factor."""
    setting = Setting(thread_count=16, host=host)
    for repeat in range(repeats):
        for users in (1, 8):
            one = step(setting=setting, users=users, wait=wait * factors[repeat])
            yield msgspec.structs.replace(one, repeat=repeat)


def test_server_is_faster_where_every_repeat_shows_more_than_five_per_cent() -> None:
    found = [*measured("uvicorn", 0.02), *measured("local", 0.03), *measured("gunicorn:sync", 0.3, repeats=1)]
    found += [*measured("gunicorn:asgi", 0.021, factors=(0.9, 1, 1.1))]
    levels = levels_of(found)
    choice = choose_server(levels[0].subject, levels, seed=1)
    assert choice is not None
    assert [each.host for each in choice.standings] == ["uvicorn", "gunicorn:asgi", "local", "gunicorn:sync"]
    assert choice.verdict.startswith("uvicorn serves ")
    assert "times as much as local; the repeats do not show that gunicorn:asgi serves less; measured once: " in (
        choice.verdict
    )
    assert choice.verdict.endswith(" on gunicorn:sync.")
    slower = {each.host: each.times_slower for each in choice.standings}
    assert slower["local"] is not None
    assert 1.3 < slower["local"].low <= slower["local"].high < 1.6
    assert (slower["uvicorn"], slower["gunicorn:sync"]) == (None, None)
    assert all(each.users == 8 for each in choice.standings)
    assert "more on local" in overhead_in_words(choice.standings)


def test_one_server_is_no_comparison() -> None:
    levels = levels_of([*measured("local", 0.02)])
    assert choose_server(levels[0].subject, levels, seed=1) is None
    unnamed = levels_of([step(setting=Setting(thread_count=4)), step(setting=Setting(thread_count=8))])
    assert choose_server(unnamed[0].subject, unnamed, seed=1) is None
