"""host.json: missing, refused by the host, without the extensions that the app needs, limits that do not fit."""

from collections.abc import Iterator

from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.settings import as_sentence
from functune.doctor.syntax.handlers import bindings_of_extensions
from functune.host.host_json import HOST_JSON

CONCURRENT = ("extensions", "http", "maxConcurrentRequests")
OUTSTANDING = ("extensions", "http", "maxOutstandingRequests")


def missing_file(app: InspectedApp) -> Iterator[RuleCase]:
    """No host.json."""
    if not app.host.is_there:
        yield RuleCase(seen=f"The app's folder has no {HOST_JSON}.", file=HOST_JSON)


def refused_file(app: InspectedApp) -> Iterator[RuleCase]:
    """A host.json with which the host does not start."""
    if app.host.error:
        yield RuleCase(seen=as_sentence(app.host.error), file=HOST_JSON, line=app.host.error_line)


def missing_bundle(app: InspectedApp) -> Iterator[RuleCase]:
    """Triggers and bindings of extensions without an extension bundle; extensions installed by hand count."""
    if not app.host.is_there or app.host.error or app.host.value("extensionBundle") is not None:
        return
    if (app.root / "extensions.csproj").is_file() or (app.root / "bin" / "extensions.json").is_file():
        return
    needing = list(bindings_of_extensions(app.syntax.handlers))
    if needing:
        handler, name, line = needing[0]
        where = f"{handler.function.module.module.file}:{line}"
        others = f", and {len(needing) - 1} more need one" if len(needing) > 1 else ""
        yield RuleCase(
            seen=f"{HOST_JSON} has no extensionBundle, and `{name}` at {where} needs one{others}.",
            file=HOST_JSON,
            line=1,
        )


def concurrent_above_outstanding(app: InspectedApp) -> Iterator[RuleCase]:
    """More requests at a time than may be there at all."""
    values = app.host.values
    if values is None or values.max_outstanding_requests < 1:
        return
    if values.max_concurrent_requests > values.max_outstanding_requests:
        yield RuleCase(
            seen=f"maxConcurrentRequests is {values.max_concurrent_requests}, and maxOutstandingRequests "
            f"{values.max_outstanding_requests}.",
            file=HOST_JSON,
            line=app.host.line(*CONCURRENT),
        )


def limits_on_flex(app: InspectedApp) -> Iterator[RuleCase]:
    """HTTP limits where per-instance concurrency decides."""
    values = app.host.values
    if app.plan != "flex" or values is None:
        return
    for keys, limit in ((CONCURRENT, values.max_concurrent_requests), (OUTSTANDING, values.max_outstanding_requests)):
        if limit > 0 and app.host.value(*keys) is not None:
            yield RuleCase(seen=f"{keys[-1]} is {limit}.", file=HOST_JSON, line=app.host.line(*keys))


HOST_JSON_RULES = (
    Rule(
        id="host-json-missing",
        family="host.json",
        severity="warning",
        looks_for=f"an app without `{HOST_JSON}`",
        why="The host takes its defaults. Core Tools find the root of an app by this file, or by local.settings.json.",
        remedy=f'Write {HOST_JSON} with {{"version": "2.0"}} next to the first file of the app.',
        check=missing_file,
    ),
    Rule(
        id="host-json-refused",
        family="host.json",
        severity="error",
        looks_for=f"a `{HOST_JSON}` that is not JSON, has no version 2.0, or has a value out of range",
        why="The host does not start with it.",
        remedy="Correct the value.",
        check=refused_file,
    ),
    Rule(
        id="extension-bundle",
        family="host.json",
        severity="error",
        looks_for="a trigger or binding of an extension without an `extensionBundle`; HTTP and timer triggers need "
        "none",
        why="The host does not know the binding, and the function does not load.",
        remedy='Add "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}.',
        check=missing_bundle,
    ),
    Rule(
        id="http-limits-contradict",
        family="host.json",
        severity="warning",
        looks_for="a `maxConcurrentRequests` above `maxOutstandingRequests`",
        why="Requests in progress count as outstanding, so the host answers 429 before it ever admits that many at a "
        "time.",
        remedy="Raise maxOutstandingRequests, or lower maxConcurrentRequests.",
        check=concurrent_above_outstanding,
    ),
    Rule(
        id="http-limits-on-flex",
        family="host.json",
        severity="note",
        looks_for="HTTP limits of host.json with `--for flex`",
        why="On Flex Consumption the number of requests per instance is a scale setting, and these limits are reported "
        "as ignored.",
        remedy="Set perInstanceConcurrency of the site; the limits of host.json have their effect on other plans.",
        needs="--for",
        check=limits_on_flex,
    ),
)
