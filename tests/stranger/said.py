"""The answer of `functune tune` and of other commands that write a report."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def page_of(done: subprocess.CompletedProcess[str]) -> Path:
    """The report that a command has written."""
    page = re.search(r"^Report: (file://\S+)$", done.stdout, re.MULTILINE)
    assert page, done.stdout + done.stderr
    return Path(unquote(urlsplit(page[1]).path))


def assert_answer(done: subprocess.CompletedProcess[str]) -> None:
    """
    It recommends a setting, and its report names the limit, or why it is not known.

    On a busy machine a small budget may suffice for one setting alone, which it then says.
    """
    assert done.returncode == 0, done.stderr
    answer = re.search(r"^  (Use|No setting makes a difference|One setting was measured)\b", done.stdout, re.MULTILINE)
    assert answer, done.stdout
    if answer[1] != "One setting was measured":
        assert re.search(r"^    (PYTHON_THREADPOOL_THREAD_COUNT=\d+|leave \w+ unset)$", done.stdout, re.MULTILINE)
    report = json.loads(page_of(done).with_name("report.json").read_text())
    [experiment] = report["experiments"]
    [limit] = experiment["limits"].values()
    assert limit["kind"] != "unknown" or limit["reason"]
    assert experiment["verdict"] in done.stdout


def left_no_time_to_profile(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether `functune tune` says that it could not look for the line, as on a busy machine."""
    said = r"was not profiled: the time was used up|could not be profiled: it did not end"
    return re.search(said, done.stdout) is not None


def hidden_by_other_programs(limit: dict[str, Any], done: subprocess.CompletedProcess[str]) -> bool:
    """Whether the limit is unknown in a run that says that other programs had some of the cores."""
    return limit["kind"] == "unknown" and "ther programs used" in done.stdout
