"""The lines of a traceback that belong to the app."""

from pathlib import Path

from functune.host.app_frames import app_frames

CHAINED = """Traceback (most recent call last):
  File "/app/first.py", line 1, in <module>
    1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/venv/runtime/loader.py", line 166, in index
    importlib.import_module(name)
    ~~~~^^^^
  File "/app/function_app.py", line 3, in <module>
    import orders
  File "/app/.python_packages/lib/site-packages/lib.py", line 9, in run
    call()
  File "/app/orders.py", line 1, in <module>
    broken(
          ^
SyntaxError: '(' was never closed
"""


def test_frames_are_those_of_the_app_in_the_last_traceback() -> None:
    assert app_frames(CHAINED, Path("/app")) == [
        '  File "/app/function_app.py", line 3, in <module>',
        "    import orders",
        '  File "/app/orders.py", line 1, in <module>',
        "    broken(",
        "          ^",
    ]


def test_text_without_frames_has_none() -> None:
    assert app_frames("", Path("/app")) == []
    assert app_frames("KeyError: 'x'\n", Path("/app")) == []
