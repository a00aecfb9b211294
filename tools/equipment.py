"""
Gets what the tests need and pip cannot install: a browser, Azure's resource types, axe-core, Kusto's language service.

    python -m tools.equipment                 get whatever is missing
    python -m tools.equipment azure-types     get one piece

The tests of a piece that cannot be had are skipped with the reason, so a bare machine can run the rest. Exit codes: 0
whether or not every piece could be had, 2 wrong usage.
"""

import argparse
import functools
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_START_TIMEOUT = 60
_CONNECT_TIMEOUT_MS = "10000"
"""How long Playwright waits for a connection; it tries five times."""
_NPM_FLAGS = (
    *("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"),
    # With npm's own pauses it takes more than a minute to find out that there is no network.
    *("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"),
)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to install a piece."""

    doing: str
    """What is printed while the commands run."""
    commands: tuple[tuple[str, ...], ...]
    obstacle: Callable[[], str | None] = lambda: None
    """Why the way cannot be tried on this machine; None where it can."""
    variables: dict[str, str] = field(default_factory=dict)
    timeout: float = 600
    """Seconds for each command."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One thing the tests need."""

    name: str
    remedy: str
    """What a reader can do where no way works."""
    find: Callable[[], Path | None]
    """The installed piece; None where there is none that works."""
    ways: tuple[Way, ...]
    """Tried in this order."""

    @property
    def missing(self) -> str:
        """The reason of a skipped test."""
        return f"{self.name} is missing; {self.remedy}"


def obtain(piece: Piece, say: Callable[[str], None]) -> Path | None:
    """Find the piece, or install it by the first way that works; ``say`` gets a line before and after each attempt."""
    if found := piece.find():
        say(f"{piece.name}: {found}")
        return found
    for way in piece.ways:
        if obstacle := way.obstacle():
            say(f"{piece.name}: cannot try {way.doing}: {obstacle}")
            continue
        say(f"{piece.name}: {way.doing}")
        if failure := run(way):
            say(f"{piece.name}: {way.doing} failed: {failure}")
        elif found := piece.find():
            say(f"{piece.name}: {found}")
            return found
        else:
            say(f"{piece.name}: {way.doing} worked, but what it installed does not start")
    say(f"{piece.missing}. Its tests will be skipped.")
    return None


def run(way: Way) -> str | None:
    """Run the commands of a way; returns the line that says why one failed, None when all worked."""
    for command in way.commands:
        try:
            outcome = subprocess.run(
                command, env={**os.environ, **way.variables}, capture_output=True, text=True, timeout=way.timeout
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if outcome.returncode:
            return _failure(outcome)
    return None


def _failure(outcome: subprocess.CompletedProcess[str]) -> str:
    """The most telling line: the reason that npm gives, else the first error, else the last line."""
    lines = [line.strip() for line in (outcome.stderr + outcome.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "e:", "npm error"))]
    reasons = [line for line in errors if "failed, reason" in line]
    return next(iter([*reasons, *errors, *lines[-1:]]), f"exit code {outcome.returncode}")


def find_browser() -> Path | None:
    """An installed Chromium or Chrome that starts, else the one Playwright has downloaded."""
    installed = (Path(found) for name in BROWSERS if (found := shutil.which(name)))
    return next(filter(starts, installed), None) or _playwright_browser()


def starts(program: Path) -> bool:
    """Whether the program runs here: a stub of a package or a missing library shows in ``--version``."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=_START_TIMEOUT).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwright_browser() -> Path | None:
    from playwright.sync_api import sync_playwright  # starts a process, so only where no browser is installed

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() and starts(path) else None


def find_package(name: str, version: str, folder: str, file: str) -> Path | None:
    """``file`` of an npm package in ``folder`` of the project, if it is there in this version."""
    package = ROOT / folder / "node_modules" / name
    try:
        installed = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        return None
    return package / file if installed == version and (package / file).is_file() else None


def _no_npm() -> str | None:
    return None if shutil.which("npm") else "there is no npm on the PATH"


def _no_azure_types() -> str | None:
    system = f"{platform.system()} on {platform.machine()}"
    return (
        _no_npm() if system == "Linux on x86_64" else f"the program that has them is for Linux on x86_64, not {system}"
    )


def _no_debian_package() -> str | None:
    if not shutil.which("apt-get"):
        return "there is no apt-get on the PATH"
    return None if os.geteuid() == 0 else "apt-get needs root"


def _npm_package(
    *, piece: str, name: str, version: str, folder: str, file: str, size: str, obstacle: Callable[[], str | None]
) -> Piece:
    install = ("npm", "install", "--prefix", str(ROOT / folder), *_NPM_FLAGS, f"{name}@{version}")
    return Piece(
        name=piece,
        remedy="run `make equipment` with npm and a network",
        find=functools.partial(find_package, name, version, folder, file),
        ways=(Way(doing=f"installing {name} {version} by npm ({size})", commands=(install,), obstacle=obstacle),),
    )


BROWSER = Piece(
    name="browser",
    remedy="install Chromium or Chrome",
    find=find_browser,
    ways=(
        Way(
            doing="downloading Playwright's own Chromium",
            commands=((sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"),),
            variables={"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": _CONNECT_TIMEOUT_MS},
        ),
        Way(
            doing="installing Debian's package chromium",
            commands=(
                ("apt-get", "update", "-q"),
                ("apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"),
            ),
            obstacle=_no_debian_package,
            variables={"DEBIAN_FRONTEND": "noninteractive"},
        ),
    ),
)
AZURE_TYPES = _npm_package(
    piece="azure-types",
    name="@azure/mcp-linux-x64",
    version="2.0.5",
    folder=".azure-types",
    file="dist/azmcp",
    size="60 MB",
    obstacle=_no_azure_types,
)
AXE = _npm_package(
    piece="axe-core",
    name="axe-core",
    version="4.14.1",
    folder=".axe",
    file="axe.min.js",
    size="3 MB",
    obstacle=_no_npm,
)
KUSTO = _npm_package(
    piece="kusto",
    name="@kusto/language-service-next",
    version="12.4.1",
    folder=".azure-types/kusto",
    file="Kusto.Language.Bridge.min.js",
    size="31 MB",
    obstacle=_no_npm,
)
PIECES = {piece.name: piece for piece in (BROWSER, AZURE_TYPES, AXE, KUSTO)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Get the named pieces, or all of them."""
    parser = argparse.ArgumentParser(description="Get what the tests need and pip cannot install.")
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help=f"any of {', '.join(PIECES)}; default: all")
    named: list[str] = parser.parse_args(arguments).pieces
    if unknown := sorted(set(named) - set(PIECES)):
        parser.error(f"unknown piece {', '.join(unknown)}; there are {', '.join(PIECES)}")
    with ThreadPoolExecutor() as pool:  # each waits for its download nearly all of the time
        for got in [pool.submit(obtain, PIECES[name], say) for name in named or PIECES]:
            got.result()


def say(line: str) -> None:
    """Print a line, in one piece also where several threads print."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
