"""Every error functune raises on purpose.

    FunctuneError                the message is for the user: no traceback is shown with it
    ├── UsageError               a flag, file or value given by the user is wrong
    │   ├── SettingsError        host.json, local.settings.json or an app setting
    │   └── ExperimentError      an experiment file
    ├── HostError                the host could not start or stay up
    │   ├── AppError             the function app is broken: import error, no FunctionApp, bad route
    │   ├── InstallError         the packages of the app could not be installed
    │   ├── PortInUseError
    │   ├── WorkerStartError     a worker process did not become ready
    │   ├── UnfitError           the host needs more memory than its instance has
    │   ├── WorkerDiedError      a worker process ended while it was needed
    │   ├── ResourceManagerError Azure's Resource Manager refused a request or did not answer
    │   └── FunctionTimeoutError an invocation ran longer than functionTimeout
    ├── LoadError                the load generator could not run or measured nothing
    └── RunFolderError           a run folder is missing, incomplete or of another schema

Messages name the thing, the value, what is allowed and what to do next.
"""


class FunctuneError(Exception):
    """Base of all errors meant for the user."""


class UsageError(FunctuneError):
    """Something the user gave is wrong."""


class SettingsError(UsageError):
    """A settings file or app setting is wrong."""


class ExperimentError(UsageError):
    """An experiment file is wrong."""


class HostError(FunctuneError):
    """The host could not start or stay up."""


class AppError(HostError):
    """The function app itself is broken."""


class InstallError(HostError):
    """The packages of the app could not be installed."""


class PortInUseError(HostError):
    """The address is taken."""


class WorkerStartError(HostError):
    """A worker process did not become ready."""


class UnfitError(HostError):
    """The host needs more memory than its instance has, which is a result and no failure."""

    def __init__(self, message: str, *, memory_mb: int) -> None:
        super().__init__(message)
        self.memory_mb = memory_mb


class WorkerDiedError(HostError):
    """A worker process ended while it was needed."""


class ResourceManagerError(HostError):
    """Azure's Resource Manager refused a request, or did not answer."""

    def __init__(self, message: str, *, status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        """Of the answer; None without one."""
        self.code = code
        """The code in the answer, such as ``Conflict``; empty without one."""


class FunctionTimeoutError(HostError):
    """An invocation ran longer than functionTimeout of host.json allows."""


class LoadError(FunctuneError):
    """The load generator could not run, or measured nothing."""


class RunFolderError(FunctuneError):
    """A run folder cannot be used."""
