"""The answer of `functune tune`."""

import re
import subprocess


def assert_answer(done: subprocess.CompletedProcess[str]) -> None:
    """
    It recommends a setting, names a limit or why it is not known, and says where the report is.

    On a busy machine the smallest budget may suffice for one setting alone, which it then says.
    """
    assert done.returncode == 0, done.stderr
    answer = re.search(r"^  (Use|No setting makes a difference|One setting was measured)\b", done.stdout, re.MULTILINE)
    assert answer, done.stdout
    if answer[1] != "One setting was measured":
        assert re.search(r"^    (PYTHON_THREADPOOL_THREAD_COUNT=\d+|leave \w+ unset)$", done.stdout, re.MULTILINE)
    assert re.search(r"^  (The|No|Its) .*(limit|nothing to tune|setting repairs)", done.stdout, re.MULTILINE), (
        done.stdout
    )
    assert "\nReport: file://" in done.stdout
