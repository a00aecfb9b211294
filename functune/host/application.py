"""The loaded app as one value, from its settings to its routes; a reload replaces the whole value."""

import asyncio
from dataclasses import dataclass

from functune.errors import AppError
from functune.host.answering import Answerer
from functune.host.bindings import STREAMING
from functune.host.console import Console
from functune.host.functions import FunctionSet, load_functions
from functune.host.limits import Gate, gates
from functune.host.settings import HostSettings
from functune.host.shaping import encode_header
from functune.host.supervisor import Supervisor
from functune.packages.worker_start import worker_start


@dataclass(frozen=True, slots=True)
class Application:
    """A loaded app. Its workers run until ``supervisor.stop()``."""

    settings: HostSettings
    supervisor: Supervisor
    functions: FunctionSet
    answerer: Answerer
    gates: tuple[Gate, ...]
    custom_headers: list[tuple[bytes, bytes]]


async def load_application(settings: HostSettings, console: Console) -> Application:
    """Start the workers and index the app. Raises AppError or another HostError, after ending every process."""
    console.levels = settings.host_json.log_levels
    start = await asyncio.to_thread(worker_start, settings.packages, console.plain)
    folders = ", ".join(map(str, start.packages)) or "none"
    console.system(f"The workers run {start.python}; package folders of the app: {folders}")
    supervisor = Supervisor(script_root=settings.script_root, settings=settings.worker, start=start, console=console)
    try:
        found = await _indexed(supervisor, settings)
        return Application(
            settings=settings,
            supervisor=supervisor,
            functions=found,
            answerer=Answerer(settings, found.routes(), supervisor.choose, console),
            gates=gates(settings),
            custom_headers=[encode_header(*header) for header in settings.host_json.custom_headers.items()],
        )
    except BaseException:
        await supervisor.stop()
        raise


async def _indexed(supervisor: Supervisor, settings: HostSettings) -> FunctionSet:
    metadata = await supervisor.start()
    script_file = settings.worker.environ.get("PYTHON_SCRIPT_FILE_NAME") or "function_app.py"
    # None means either that there is no file, or that it has no functions.
    if metadata is None and not (settings.script_root / script_file).exists():
        raise AppError(
            f"{settings.script_root} contains no {script_file}; the local host runs Python v2 apps. "
            "Give the folder of one with --script-root; a Flask, Django or FastAPI app is measured with --app, "
            "as in --app src.app:app"
        )
    return load_functions(metadata or [], settings, is_streaming=STREAMING in supervisor.capabilities)
