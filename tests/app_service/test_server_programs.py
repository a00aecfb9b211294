"""The flags of the servers, against those of the installed ones."""

from gunicorn.config import Config
from uvicorn.main import main as uvicorn_command

from functune.app_service.server_command import server_command
from functune.app_service.server_programs import LONG_FLAGS, SWITCHES


def test_every_switch_of_gunicorn_is_known_as_one() -> None:
    """The word after a flag that is not known as a switch counts as its value, so the application would be lost."""
    switches = {name for action in Config().parser()._actions if action.nargs == 0 for name in action.option_strings}
    assert switches - SWITCHES == set()
    for each in sorted(switches):
        found = server_command(f"gunicorn {each} shop.wsgi:app")
        assert found is not None
        assert found.target == "shop.wsgi:app", each


def test_every_switch_of_uvicorn_is_known_as_one() -> None:
    flags = [each for each in uvicorn_command.params if getattr(each, "is_flag", False)]
    assert {name for each in flags for name in (*each.opts, *each.secondary_opts)} - SWITCHES == set()


def test_short_flags_of_gunicorn_stand_for_its_long_ones() -> None:
    long = {
        short: name
        for action in Config().parser()._actions
        for short in action.option_strings
        for name in action.option_strings
        if not short.startswith("--") and name.startswith("--")
    }
    read = {short: name for short, name in LONG_FLAGS.items() if short in long and short != "-p"}
    assert read == {short: long[short] for short in read}
    assert set(read) == {"-w", "-k", "-b", "-c", "-t"}
