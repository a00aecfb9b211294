"""The round robin of the real host: one counter, blind to load, beginning with the second worker."""

from functune.host.dispatcher import RoundRobin


def test_round_robin_begins_with_the_second_of_several() -> None:
    turns = RoundRobin()
    assert [turns.pick("abc") for _ in range(7)] == list("bcabcab")


def test_round_robin_counts_nothing_while_there_is_one() -> None:
    turns = RoundRobin()
    assert [turns.pick("a") for _ in range(3)] == list("aaa")
    assert turns.pick("ab") == "b"


def test_round_robin_goes_on_counting_when_the_number_changes() -> None:
    turns = RoundRobin()
    assert [turns.pick("abc"), turns.pick("abc"), turns.pick("ab"), turns.pick("abcd")] == ["b", "c", "b", "a"]
