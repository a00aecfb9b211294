"""
Checks a function app after a deployment: waits until it answers, then counts its workers and threads.

    python infra/probe.py https://func-….azurewebsites.net
    python infra/probe.py                 the address that azd keeps in SERVICE_API_URI

`azd deploy` runs it as a hook, and infra/deploy.sh as its last step. It is Python, which azd needs for this project
anyway, so that one script serves sh and pwsh. It imports nothing but the standard library.

The counting needs functune (`make venv`) and a key of the app: FUNCTUNE_KEY, or `az`, which is asked for one. Without
them the script says so, and an app that answers is enough.

Exit codes: 0 the app answers, 1 it does not in time, 2 wrong usage, 3 it answers but could not be measured.
"""

from __future__ import annotations  # for an older Python, which a machine with azd may have

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PAUSE_SECONDS = 5.0
_CALL_TIMEOUT = 60
"""Seconds: an instance that starts holds the call."""
_LARGEST_WAVE = "16"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the app at the given address, or at the one of the environment; returns the exit code."""
    parser = argparse.ArgumentParser(description="Check a function app after a deployment.")
    parser.add_argument("url", nargs="?", default=os.environ.get("SERVICE_API_URI"), help="default: $SERVICE_API_URI")
    parser.add_argument("--timeout", type=float, default=300, help="seconds to wait for an answer; default: 300")
    given = parser.parse_args(arguments)
    if not given.url:
        parser.error("no address: give one, or run it from an azd hook, where SERVICE_API_URI is set")
    if not given.url.startswith(("https://", "http://")):
        parser.error(f"{given.url} is no address: it begins with https:// or http://")
    url = given.url.rstrip("/")
    versions = wait_for_health(f"{url}/api/health", given.timeout)
    if versions is None:
        return 1
    print(f"{url} answers: {versions}", flush=True)
    return count_workers(url)


def wait_for_health(url: str, timeout: float) -> str | None:
    """Call until the app answers 200, and return what it says of its versions; None when it did not in time."""
    end = time.monotonic() + timeout
    said = ""
    while True:
        left = end - time.monotonic()
        answer = call(url, max(1.0, min(_CALL_TIMEOUT, left)))
        if isinstance(answer, dict):
            return ", ".join(f"{name} {value}" for name, value in answer.items() if isinstance(value, str))
        if answer != said:
            print(f"waiting for {url}: {answer}", file=sys.stderr, flush=True)
            said = answer
        if time.monotonic() + _PAUSE_SECONDS > end:
            print(f"{url} did not answer 200 within {timeout:g} s; the last answer: {answer}", file=sys.stderr)
            return None
        time.sleep(_PAUSE_SECONDS)


def call(url: str, timeout: float) -> dict[str, Any] | str:
    """The JSON object of an answer with status 200; anything else as a sentence."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else "200 without a JSON object, so another app answers at this address"


def count_workers(url: str) -> int:
    """Run `functune probe` on the app, if there is one and a key; returns the exit code."""
    functune = find_functune()
    if functune is None:
        return passed_over("functune is not installed here: run `make venv`")
    key = os.environ.get("FUNCTUNE_KEY") or ask_for_key(os.environ)
    if not key:
        return passed_over("there is no key: set FUNCTUNE_KEY, or sign in with az")
    probed = subprocess.run(
        [functune, "probe", url, "--largest-wave", _LARGEST_WAVE], env={**os.environ, "FUNCTUNE_KEY": key}
    )
    # 1 says that counts differ from the settings, as they do when several instances answer.
    return 0 if probed.returncode in (0, 1) else probed.returncode


def passed_over(reason: str) -> int:
    """Say why the workers were not counted; the app answers, so this is no failure."""
    print(f"The workers were not counted, since {reason}.")
    return 0


def find_functune() -> str | None:
    """The functune of this project's environment, else one on the PATH."""
    places = [ROOT / ".venv" / "bin" / "functune", ROOT / ".venv" / "Scripts" / "functune.exe"]
    return next((str(place) for place in places if place.exists()), None) or shutil.which("functune")


def ask_for_key(environment: Mapping[str, str]) -> str | None:
    """The default function key, from az; None without az, a sign-in or the names of the app."""
    az = shutil.which("az")
    group, name = environment.get("AZURE_RESOURCE_GROUP"), environment.get("AZURE_FUNCTION_APP_NAME")
    if not (az and group and name):
        return None
    wanted = ["--query", "functionKeys.default", "--output", "tsv"]
    answer = subprocess.run(
        [az, "functionapp", "keys", "list", "--resource-group", group, "--name", name, *wanted],
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        *_, reason = answer.stderr.strip().splitlines() or ["it said nothing"]
        print(f"az gave no key: {reason}", file=sys.stderr)
    return answer.stdout.strip() or None


if __name__ == "__main__":
    sys.exit(main())
