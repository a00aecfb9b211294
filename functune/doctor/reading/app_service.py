"""What App Service would start for an app: the folder, its settings and its start-up command, read together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from functune.app_service.deployment import Deployment
from functune.app_service.generated import (
    STARTUP_SETTINGS,
    RefusedSettingError,
)
from functune.app_service.own_command import command_file, own_command, path_in_app
from functune.app_service.python_version import PythonVersion
from functune.app_service.server_command import ServerCommand, without_secrets
from functune.app_service.startup import StartDecision, start_decision
from functune.doctor.reading.settings import SettingPlace
from functune.doctor.reading.templates import BicepTemplate
from functune.shapes import APP_SERVICE_SIZES, DEFAULT_APP_SERVICE_SIZE, InstanceSize

APP_SERVICE_NAME = "app-service"
"""The name of the plan."""
_PORTS = ("PORT", "WEBSITES_PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppServiceOptions:
    """What the command is told about the plan."""

    tier: str | None = None
    python_version: str | None = None
    startup_file: str | None = None
    """As ``az webapp config set --startup-file`` takes it."""
    settings: tuple[SettingPlace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppServiceReading:
    """An app on App Service."""

    deployed: Deployment
    decision: StartDecision
    """What starts, without the settings that are refused."""
    tier: str
    is_tier_given: bool
    python: PythonVersion
    settings: Mapping[str, SettingPlace]
    """The settings that count on the platform, by their name."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """The settings with which the app does not start, each with the reason."""
    server: ServerCommand | None = None
    """The server of a command of one's own."""
    place: tuple[str | None, int | None] = (None, None)
    """File and line of a command of one's own."""
    unknown: tuple[str, ...] = ()
    """Settings of the start that a template computes."""

    @property
    def instance(self) -> InstanceSize:
        """The instance of the tier."""
        return APP_SERVICE_SIZES[self.tier]

    @property
    def is_own(self) -> bool:
        """Whether a command of one's own starts."""
        return self.decision.step == "own command"

    @property
    def port(self) -> str:
        """The port on which the platform calls the app."""
        given = (self.settings[name].value for name in _PORTS if name in self.settings)
        return next((value for value in given if value), "8000")

    @property
    def folders(self) -> list[Path]:
        """The folders that the application is imported from; empty where a shell decides."""
        written = "" if self.server is None else self.server.chdir
        more = () if self.server is None else tuple(filter(None, self.server.flags.get("--pythonpath", "").split(",")))
        found = [path_in_app(self.deployed.folder, each) for each in (written, *more)]
        return [] if found[0] is None else [each for each in found if each is not None]

    @property
    def module(self) -> str | None:
        """The module of the application; None for the default page, and where the command names none."""
        target = None if self.decision.step == "default page" else self.decision.target
        return None if target is None else target.partition(":")[0]

    def module_file(self) -> tuple[Path, Path] | None:
        """The file of that module and the folder that it is imported from; None where there is none."""
        for folder in self.folders if self.module else []:
            base = folder.joinpath(*str(self.module).split("."))
            for file in (base.with_suffix(".py"), base / "__init__.py"):
                if file.is_file():
                    return file, folder
        return None


def read_app_service(
    root: Path,
    options: AppServiceOptions,
    *,
    settings: Mapping[str, SettingPlace],
    templates: Sequence[BicepTemplate],
    python: PythonVersion,
) -> AppServiceReading:
    """Decide what starts. ``settings`` are those that count on the platform."""
    tier = options.tier or DEFAULT_APP_SERVICE_SIZE
    command, place = startup_command(root, options, templates)
    deployed = Deployment(
        folder=root,
        python=python.version,
        command=command,
        settings={each.name: each.value for each in settings.values() if each.value is not None},
        cores=int(APP_SERVICE_SIZES[tier].cores),
    )
    deployed, decision, refused = decided_without_refused(deployed)
    own = own_command(deployed)
    if decision.file is not None:
        place = decision.file, decision.line
    elif place[0] is not None:
        decision = msgspec.structs.replace(decision, file=place[0], line=place[1])
    return AppServiceReading(
        deployed=deployed,
        decision=decision,
        tier=tier,
        is_tier_given=options.tier is not None,
        python=python,
        settings=settings,
        refused=refused,
        server=None if own is None else own.server,
        place=place,
        unknown=tuple(name for name in STARTUP_SETTINGS if name in settings and settings[name].value is None),
    )


def startup_command(
    root: Path, options: AppServiceOptions, templates: Sequence[BicepTemplate]
) -> tuple[str, tuple[str | None, int | None]]:
    """The start-up command, as asked for or as a template sets it, with its place; empty for none."""
    if options.startup_file is not None:
        return options.startup_file, (None, None)
    for template in templates:
        if (found := template.startup_command(root)) is not None:
            return found.text, (found.file, found.line)
    return "", (None, None)


def decided_without_refused(deployed: Deployment) -> tuple[Deployment, StartDecision, dict[str, str]]:
    """The decision without the settings with which the app does not start, and these with the reasons."""
    refused: dict[str, str] = {}
    while True:
        settings = {name: value for name, value in deployed.settings.items() if name not in refused}
        left = replace(deployed, settings=settings)
        try:
            return left, start_decision(left), refused
        except RefusedSettingError as error:
            refused[error.name] = str(error)


def is_file_missing(reading: AppServiceReading) -> bool:
    """Whether the start-up command is one word that looks like a file of the app, and there is none."""
    command = reading.deployed.command.strip()
    looks_so = command.endswith((".txt", ".sh")) and len(command.split()) == 1
    return looks_so and command_file(reading.deployed) is None


def secret_free(decision: StartDecision) -> StartDecision:
    """The decision with a command that shows no value of a variable."""
    return msgspec.structs.replace(decision, command=without_secrets(decision.command))
