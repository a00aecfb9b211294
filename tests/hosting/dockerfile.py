"""A Dockerfile as instructions, and the rules that this project's keeps: functions that return what is wrong."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

_SECRET = re.compile(r"key|secret|password|token|connection_?string", re.IGNORECASE)
# What the image may contain of this repository: the app and what serves it, with its requirements.
COPIED = {"function_app.py", "functune_times.py", "host.json", "blueprints", "functune", "hosting"}


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in upper case and the rest of it."""

    name: str
    rest: str

    @property
    def command(self) -> list[str] | None:
        """The program and its arguments of ``CMD [...]``; None in the form that starts a shell."""
        found = re.search(r"\[.*\]$", self.rest)
        return json.loads(found[0]) if found else None


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of every stage; those of the last stage make the image."""

    arguments: list[Instruction]
    """The ``ARG`` instructions before the first stage."""
    stages: list[list[Instruction]]

    def of(self, name: str) -> list[Instruction]:
        """The instructions of the image with this name."""
        return [instruction for instruction in self.stages[-1] if instruction.name == name]

    @property
    def start(self) -> list[str]:
        """The command that the image starts."""
        (found,) = self.of("CMD")
        assert found.command is not None
        return found.command

    @property
    def environment(self) -> dict[str, str]:
        """The variables that ``ENV`` sets in the image."""
        pairs = [pair for instruction in self.of("ENV") for pair in shlex.split(instruction.rest)]
        return dict(pair.split("=", 1) for pair in pairs)


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile. It knows what this project's one uses: no heredocs and no parser directives."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    read = [Instruction(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]
    starts = [place for place, instruction in enumerate(read) if instruction.name == "FROM"]
    stages = [read[start:end] for start, end in zip(starts, [*starts[1:], len(read)], strict=True)]
    return Dockerfile(read[: starts[0]], stages)


def base_is_slim_and_pinned(file: Dockerfile) -> list[str]:
    """Every stage starts from the slim image of one patch version of Python, or from another stage."""
    defaults = dict(argument.rest.split("=", 1) for argument in file.arguments)
    wrong = []
    for stage in file.stages:
        image = re.sub(r"\$\{(\w+)\}", lambda found: defaults[found[1]], stage[0].rest.split()[0])
        if not re.fullmatch(r"python:3\.\d+\.\d+-slim(-\w+)?", image):
            wrong.append(f"{image} is not a slim image of one version")
    return wrong


def build_tools_stay_behind(file: Dockerfile) -> list[str]:
    """Packages are installed in a stage of their own; the image only copies the result."""
    installs = [instruction.rest for instruction in file.of("RUN") if re.search(r"\b(pip|apt-get) ", instruction.rest)]
    wrong = [f"the image itself runs {command}" for command in installs]
    if not any(instruction.rest.startswith("--from=") for instruction in file.of("COPY")):
        wrong.append("the image copies nothing from an earlier stage")
    return wrong


def user_is_not_root(file: Dockerfile) -> list[str]:
    """The last USER before the command is a number other than 0: a host can check a number, and not a name."""
    users = [instruction.rest for instruction in file.of("USER")]
    wrong = [] if users and re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]) else [f"the user is {users[-1:]}"]
    if users and [one.name for one in file.stages[-1]].index("CMD") < [one.name for one in file.stages[-1]].index(
        "USER"
    ):
        wrong.append("the user is set after the command")
    return wrong


def files_are_the_apps(file: Dockerfile) -> list[str]:
    """Only named files and folders of the app are copied, never the whole folder, and nothing is downloaded by ADD."""
    wrong = [f"ADD {one.rest}" for stage in file.stages for one in stage if one.name == "ADD"]
    for instruction in (one for stage in file.stages for one in stage if one.name == "COPY"):
        if instruction.rest.startswith("--from="):
            continue
        *sources, _ = instruction.rest.split()
        wrong += [
            f"{source} is copied" for source in sources if Path(source).parts[:1] not in {(one,) for one in COPIED}
        ]
    return wrong


def no_secret_is_inside(file: Dockerfile) -> list[str]:
    """No variable or build argument is named like a secret: both can be read in the history of an image."""
    given = [*file.arguments, *(one for stage in file.stages for one in stage if one.name in {"ENV", "ARG"})]
    names = [pair.split("=", 1)[0] for one in given for pair in shlex.split(one.rest)]
    return [f"{name} may hold a secret" for name in names if _SECRET.search(name)]


def command_needs_no_shell(file: Dockerfile) -> list[str]:
    """The command is a list, so that Gunicorn is the process that gets SIGTERM."""
    commands = file.of("CMD")
    if len(commands) != 1 or commands[0].command is None:
        return ["CMD is missing, repeated or no list"]
    return [] if commands[0].command[0] == "gunicorn" else [f"the image starts {commands[0].command[0]}"]


def port_is_8000(file: Dockerfile) -> list[str]:
    """The image says on which port it listens, and listens there."""
    exposed = [instruction.rest for instruction in file.of("EXPOSE")]
    listening = file.environment.get("PORT")
    return [] if exposed == ["8000"] and listening == "8000" else [f"EXPOSE {exposed} and PORT={listening}"]


def logs_are_not_held_back(file: Dockerfile) -> list[str]:
    """Python writes each line at once, also where stdout is no terminal."""
    return [] if file.environment.get("PYTHONUNBUFFERED") else ["PYTHONUNBUFFERED is not set"]


def health_is_checked_by_python(file: Dockerfile) -> list[str]:
    """HEALTHCHECK has its times and runs a file of the image: a slim image has no curl and no wget."""
    checks = file.of("HEALTHCHECK")
    if len(checks) != 1 or checks[0].command is None:
        return ["there is not one HEALTHCHECK with a list as its command"]
    wrong = [f"{flag} is not set" for flag in ("--interval", "--timeout", "--retries") if flag not in checks[0].rest]
    return wrong + ([] if checks[0].command[0] == "python" else [f"it runs {checks[0].command[0]}"])
