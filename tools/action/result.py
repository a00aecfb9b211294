"""What was measured and compared, kept in a file between the steps."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

type Verdict = Literal["worse", "not worse", "not compared", "not measured"]

RESULT, SUMMARY = "result.json", "summary.md"
"""Files of the folder that the steps share; functune calls the summary of a run folder the same."""
FINE, FAILED = 0, 1
"""Exit codes of functune; any other is an error."""
LONGEST_REASON = 2000
"""Characters."""


@dataclass(frozen=True, kw_only=True)
class Called:
    """One call of functune."""

    code: int
    """Its exit code."""
    output: str
    """What it printed, errors included."""

    @property
    def is_answer(self) -> bool:
        """Whether it did what it was asked for, whatever the figures say."""
        return self.code in (FINE, FAILED)

    @property
    def reason(self) -> str:
        """The message of the error that ended it, with the causes of trials that failed."""
        found = re.search(r"^(FAILED .*|functune: .*)\Z", self.output, re.MULTILINE | re.DOTALL)
        return (found[1].removeprefix("functune: ") if found else self.output).strip()[:LONGEST_REASON]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was asked, and the calls. None where a call was not asked for, or could not be done."""

    key: str
    """Names the comment."""
    comment: bool
    """Whether there is to be one."""
    fail_on: tuple[str, ...]
    head_commit: str
    base_commit: str
    """In words for a run that was measured before; empty without a base."""
    head: Called
    base: Called | None = None
    comparison: Called | None = None

    @property
    def verdict(self) -> Verdict:
        """The output of the action."""
        if not self.head.is_answer:
            return "not measured"
        if self.comparison is None or not self.comparison.is_answer:
            return "not compared"
        return "worse" if self.comparison.code == FAILED else "not worse"

    @property
    def why_not_compared(self) -> str:
        """The reason, for readers; empty where there is nothing to compare with."""
        if self.base is not None and not self.base.is_answer:
            return f"The base could not be measured: {self.base.reason}"
        return "" if self.comparison is None or self.comparison.is_answer else self.comparison.reason

    def write(self, folder: Path) -> None:
        """Keep it for the later steps."""
        (folder / RESULT).write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """That of an earlier step."""
        kept = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        calls = {name: kept[name] and Called(**kept[name]) for name in ("head", "base", "comparison")}
        return cls(**kept | calls)
