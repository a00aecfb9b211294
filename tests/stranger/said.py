"""The answer of `functune tune`."""

import re
import subprocess


def assert_answer(done: subprocess.CompletedProcess[str]) -> None:
    """It recommends a setting, names a limit or why it is not known, and says where the report is."""
    assert done.returncode == 0, done.stderr
    assert re.search(r"^  (Use|No setting makes a difference)\b", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^  (The|No|Its) .*(limit|nothing to tune|setting repairs)", done.stdout, re.MULTILINE), (
        done.stdout
    )
    assert re.search(r"^    PYTHON_THREADPOOL_THREAD_COUNT=\d+$|^    leave ", done.stdout, re.MULTILINE), done.stdout
    assert "\nReport: file://" in done.stdout
