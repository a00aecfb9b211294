"""An answer of azmcp is found among its remarks, a failure is told in its own words, and no process is left."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.azmcp import Azmcp, AzmcpError

TYPE = "Microsoft.Web/sites"
INITIALIZED = """read -r initialize; echo '{"jsonrpc":"2.0","id":0,"result":{}}'; read -r initialized"""


def program(tmp_path: Path, *commands: str) -> Path:
    """A shell script in the place of azmcp."""
    script = tmp_path / "azmcp"
    script.write_text("\n".join(["#!/bin/sh", *commands]) + "\n")
    script.chmod(0o755)
    return script


def answering(tmp_path: Path, answer: dict[str, Any]) -> Path:
    """A program that answers the question for the types, after other lines."""
    (tmp_path / "answers").write_text(
        "No X display available.\n\n"
        '{"jsonrpc":"2.0","method":"notifications/message","params":{"id":1}}\n'
        f"{json.dumps({'jsonrpc': '2.0', 'id': 0, 'result': {}})}\n"
        f"{json.dumps({'jsonrpc': '2.0', 'id': 1, **answer})}\n"
    )
    return program(tmp_path, INITIALIZED, "read -r question", f"cat '{tmp_path}/answers'", "cat > /dev/null")


def result(text: str, **more: bool) -> dict[str, Any]:
    return {"result": {"content": [{"type": "text", "text": text}], **more}}


def ask(script: Path, timeout: float = 60) -> str | None:
    """Its answer about ``TYPE``."""
    with contextlib.closing(Azmcp(script, timeout)) as azmcp:
        return azmcp.types(TYPE)


def test_answer_is_found_among_other_lines(tmp_path: Path) -> None:
    assert ask(answering(tmp_path, result('{"results": "é"}', isError=False))) == '{"results": "é"}'


def test_type_without_a_definition_has_no_types(tmp_path: Path) -> None:
    words = f"Resource type {TYPE} with apiVersion 2024-06-01 not supported"
    assert ask(answering(tmp_path, result(words, isError=True))) is None


@pytest.mark.parametrize(
    "answer", [result("Resource type not found", isError=True), {"error": {"code": 1, "message": "not found"}}]
)
def test_refusal_is_an_error_in_its_words(tmp_path: Path, answer: dict[str, Any]) -> None:
    with pytest.raises(AzmcpError, match=r"azmcp on .*not found"):
        ask(answering(tmp_path, answer))


@pytest.mark.parametrize("before", ["", INITIALIZED])
def test_process_that_has_ended_is_an_error_with_its_exit_code_and_its_words(tmp_path: Path, before: str) -> None:
    script = program(tmp_path, before, "echo libicu is missing >&2", "exit 3")
    with contextlib.closing(Azmcp(script)) as azmcp:
        for _ in range(2):
            with pytest.raises(AzmcpError, match=r"exit code 3.*libicu is missing"):
                azmcp.types(TYPE)


def test_silent_process_is_killed(tmp_path: Path) -> None:
    with pytest.raises(AzmcpError, match=r"exit code -9.*0\.2 s"):
        ask(program(tmp_path, "exec sleep 60"), timeout=0.2)


def test_closed_process_ends_by_itself_or_is_killed(tmp_path: Path) -> None:
    assert Azmcp(program(tmp_path, "cat > /dev/null")).close() == 0
    assert Azmcp(program(tmp_path, "exec sleep 60"), timeout=0.2).close() == -9
