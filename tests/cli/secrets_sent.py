"""The secrets that tests send with their requests, and the search for them in all that a command says and writes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

HEADER, CODE, BODY, KEY = "h3ader/of=nobody", "c0de+of/nobody==", "b0dy of nobody", "functi0n-key/of-nobody"


def forms(secret: str) -> Iterator[str]:
    """A secret, and the ways in which it is written in a URL and in JSON."""
    yield from {secret, quote(secret), quote(secret, safe=""), secret.replace("/", "\\/"), secret.split("=")[0]}


def assert_no_secret(*said: subprocess.CompletedProcess[str] | str, run: Path | None = None) -> None:
    """Nothing that was said contains a secret, and no file of a run folder does."""
    places = {
        f"output {number}": each if isinstance(each, str) else each.stdout + each.stderr
        for number, each in enumerate(said)
    }
    files = [] if run is None else [path for path in run.rglob("*") if path.is_file()]
    assert run is None or files
    places |= {str(path): path.read_bytes().decode("utf-8", "replace") for path in files}
    found = [
        (place, form)
        for place, text in places.items()
        for secret in (HEADER, CODE, BODY, KEY)
        for form in forms(secret)
        if form in text
    ]
    assert found == []
