"""Small apps written into a folder."""

from pathlib import Path

from functune.doctor.finding import Finding
from functune.doctor.reading.inspected import inspect_app
from functune.doctor.registry import RULES

HEAD = "import azure.functions as func\n\napp = func.FunctionApp()\n"
HANDLER = '\n\n@app.route(route="x")\nasync def handler(req):\n'


def write_files(folder: Path, files: dict[str, str]) -> Path:
    """Write the files into the folder, with a host.json and a first file where they lack one."""
    for name, text in ({"host.json": '{"version": "2.0"}', "function_app.py": HEAD} | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def found_in(folder: Path, *rules: str, plan: str | None = None) -> list[Finding]:
    """What some rules find in an app."""
    app = inspect_app(folder, plan=plan)
    return [finding for name in rules for finding in RULES[name].findings(app)]
