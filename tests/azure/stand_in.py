"""
A stand-in for Resource Manager, for the identity endpoint of Azure, and for one function app: a real HTTP server.

Shapes, codes and traps follow docs/azure-live.md: functionAppConfig is replaced as a unit, and a part of it is refused
with 51021; a PUT of app settings replaces all of them; a write may be accepted with 202 and end later; another write
meanwhile is a conflict; a reading may lag behind; a change restarts the app, which drops the calls in flight.
"""

import asyncio
import contextlib
import copy
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import uvicorn

SITE = (
    "/subscriptions/0a1b2c3d-0000-4000-8000-123456789abc/resourceGroups/rg-orders/providers/Microsoft.Web/sites/orders"
)
SECRETS = {
    "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0LWtleS0x;EndpointSuffix=x",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=5ec2e7aa-1111;IngestionEndpoint=https://x.invalid",
    "ORDERS_API_KEY": "k-5ec2e7-orders",
    "FEED_URL": "https://feeds.invalid/orders?code=5ec2e7query",
}
"""App settings that no output and no file may show."""
SECRET_PARTS = ("c2VjcmV0LWtleS0x", "5ec2e7aa-1111", "k-5ec2e7-orders", "5ec2e7query")
"""What is secret in them."""
IDENTITY_HEADER = "5ec2e7-identity-header"
PARTIAL = "Runtime name and version must be provided for FlexConsumption sites"


def flex_site(host_name: str) -> dict[str, Any]:
    """The document of an app on Flex Consumption that has never set its concurrency."""
    return {
        "id": SITE,
        "name": "orders",
        "type": "Microsoft.Web/sites",
        "kind": "functionapp,linux",
        "location": "West Europe",
        "tags": {"team": "orders"},
        "properties": {
            "state": "Running",
            "sku": "FlexConsumption",
            "defaultHostName": host_name,
            "hostNames": [host_name],
            "functionAppConfig": {
                "deployment": {
                    "storage": {
                        "type": "blobContainer",
                        "value": "https://a.blob.core.windows.net/packages",
                        "authentication": {
                            "type": "SystemAssignedIdentity",
                            "userAssignedIdentityResourceId": None,
                            "storageAccountConnectionStringName": None,
                        },
                    }
                },
                "runtime": {"name": "python", "version": "3.13"},
                "scaleAndConcurrency": {
                    "alwaysReady": [],
                    "instanceMemoryMB": 2048,
                    "maximumInstanceCount": 100,
                    "triggers": None,
                },
                "siteUpdateStrategy": {"type": "Recreate"},
            },
        },
    }


class Answer(NamedTuple):
    """An answer to one request."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = MappingProxyType({})


class Seen(NamedTuple):
    """A request that came in."""

    at: float
    method: str
    path: str
    body: Any


def refusal(status: int, code: str, message: str, **headers: str) -> Answer:
    """An error as Resource Manager writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": {"code": code, "message": message}}, named)


@dataclass
class Faults:
    """How the stand-in misbehaves."""

    busy: list[Answer] = field(default_factory=list)
    """Answers to the next requests, whatever they are."""
    accepted: float | None = None
    """Writes are accepted with 202, and end after so many seconds."""
    by_status_url: bool = False
    """Accepted writes are followed by Azure-AsyncOperation, and not by Location."""
    lag: float = 0.0
    """Seconds by which a reading is behind."""
    token_uses: int | None = None
    """Requests after which a token has expired; None for never."""
    no_tokens: bool = False
    """The identity endpoint refuses, and every token has expired."""
    fails_operations: bool = False
    """An accepted write ends as failed."""


class StandIn:
    """The state of one app, and what happens to requests about it."""

    def __init__(self, host_name: str) -> None:
        self.document = flex_site(host_name)
        self.settings = dict(SECRETS) | {"AzureWebJobsFeatureFlags": "EnableWorkerIndexing"}
        self.faults = Faults()
        self.seen: list[Seen] = []
        self.tokens: dict[str, int] = {}
        self.numbers = itertools.count(1)
        self.on_change: Callable[[], None] = lambda: None
        self.base_url = ""
        self.ends_at = 0.0
        """The moment at which the accepted write under way ends."""
        self.pending: tuple[dict[str, Any], dict[str, str]] | None = None
        """The app after that write."""
        self.lock = threading.RLock()
        """Held by the request that is answered, and by whatever ends the accepted write."""
        self.history: list[tuple[float, dict[str, Any], dict[str, str]]] = []
        self.keep_history()

    @property
    def environ(self) -> dict[str, str]:
        """The environment with which functune finds this stand-in."""
        return {
            "FUNCTUNE_RESOURCE_MANAGER": self.base_url,
            "IDENTITY_ENDPOINT": f"{self.base_url}/msi/token",
            "IDENTITY_HEADER": IDENTITY_HEADER,
        }

    @property
    def scale(self) -> dict[str, Any]:
        """scaleAndConcurrency as it is."""
        found: dict[str, Any] = self.document["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        return found

    def state(self) -> tuple[dict[str, Any], dict[str, str]]:
        """A copy of everything that functune could have changed."""
        return copy.deepcopy(self.document), dict(self.settings)

    def keep_history(self) -> None:
        """Note the state from now on, for readings that lag."""
        self.history.append((time.monotonic(), *self.state()))

    def writes(self) -> list[Seen]:
        """The requests that changed something, or tried to."""
        return [each for each in self.seen if each.method in ("PATCH", "PUT")]

    def answer(self, method: str, path: str, query: dict[str, list[str]], headers: dict[str, str], body: Any) -> Answer:
        """What Resource Manager, or the identity endpoint, answers."""
        if path == "/msi/token":
            return self.token(headers)
        with self.lock:
            return self.answer_of_manager(method, path, query, headers, body)

    def answer_of_manager(
        self, method: str, path: str, query: dict[str, list[str]], headers: dict[str, str], body: Any
    ) -> Answer:
        """What Resource Manager answers."""
        self.seen.append(Seen(time.monotonic(), method, path, body))
        self.end_pending()
        if (wrong := self.unauthorized(headers)) is not None:
            return wrong
        if self.faults.busy:
            return self.faults.busy.pop(0)
        if path.startswith("/operations/"):
            return self.operation(path)
        if query.get("api-version") != ["2024-11-01"]:
            return refusal(
                400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required"
            )
        if not path.lower().startswith(SITE.lower()):
            return refusal(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        return self.of_site(method, path[len(SITE) :], body)

    def token(self, headers: dict[str, str]) -> Answer:
        """A token, as the identity endpoint of App Service gives it."""
        if self.faults.no_tokens or headers.get("x-identity-header") != IDENTITY_HEADER:
            return Answer(400, {"statusCode": 400, "message": "No MSI found for specified ClientId/ResourceId."})
        text = f"eyJ5ec2e7-token-{next(self.numbers)}"
        self.tokens[text] = 0
        return Answer(
            200,
            {
                "access_token": text,
                "expires_on": str(int(time.time()) + 86_400),
                "resource": self.base_url,
                "token_type": "Bearer",
                "client_id": "5ec2e7-client",
            },
        )

    def unauthorized(self, headers: dict[str, str]) -> Answer | None:
        """The refusal of a token that is missing, unknown or expired."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return refusal(401, "InvalidAuthenticationToken", "The access token is invalid.")
        self.tokens[token] += 1
        limit = self.faults.token_uses
        if self.faults.no_tokens or (limit is not None and self.tokens[token] > limit):
            return refusal(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now.")
        return None

    def operation(self, path: str) -> Answer:
        """The state of an accepted write."""
        is_over = self.pending is None
        if path.startswith("/operations/status"):
            ended = "Failed" if self.faults.fails_operations else "Succeeded"
            error = {"error": {"code": "Failed", "message": "The site could not be updated."}}
            return Answer(200, {"status": ended if is_over else "InProgress", **(error if is_over else {})})
        return Answer(200, self.document) if is_over else Answer(202, None, {"location": self.base_url + path})

    def of_site(self, method: str, rest: str, body: Any) -> Answer:
        """What is asked of the app."""
        document, settings = self.lagging()
        match method, rest:
            case "GET", "":
                return Answer(200, document)
            case "POST", "/config/appsettings/list":
                return Answer(200, {"id": SITE + "/config/appsettings", "name": "appsettings", "properties": settings})
            case "PATCH", "":
                return self.changed(lambda: self.patch(body))
            case "PUT", "/config/appsettings":
                return self.changed(lambda: self.put_settings(body))
        return refusal(404, "NotFound", f"{method} {rest}")

    def lagging(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The state as a reading shows it."""
        seen_until = time.monotonic() - self.faults.lag
        old = [each for each in self.history if each[0] <= seen_until] or self.history[:1]
        return copy.deepcopy(old[-1][1]), dict(old[-1][2])

    def changed(self, apply: Callable[[], Answer]) -> Answer:
        """The answer to a write, which may be accepted only, and end later."""
        if self.pending is not None:
            return refusal(409, "Conflict", "Another operation is in progress.")
        if self.faults.accepted is None:
            return self.settled(apply)
        before = self.state()
        if (answer := apply()).status >= 300:
            return answer
        self.pending = self.document, self.settings
        self.document, self.settings = before
        self.ends_at = time.monotonic() + self.faults.accepted
        timer = threading.Timer(self.faults.accepted, self.end_pending)
        timer.daemon = True
        timer.start()
        header = "azure-asyncoperation" if self.faults.by_status_url else "location"
        path = "/operations/status/1" if self.faults.by_status_url else "/operations/1"
        return Answer(202, None, {header: self.base_url + path + "?t=1", "retry-after": "0"})

    def end_pending(self) -> None:
        """End the accepted write, once it is time: its result becomes that of the app."""
        with self.lock:
            if self.pending is None or time.monotonic() < self.ends_at:
                return
            pending, self.pending = self.pending, None
            if not self.faults.fails_operations:
                self.document, self.settings = pending
                self.keep_history()
                self.on_change()

    def end_pending_in(self, seconds: float) -> None:
        """Let the accepted write under way end so many seconds from now."""
        with self.lock:
            self.ends_at = time.monotonic() + seconds

    def wait_for_pending(self) -> None:
        """Wait until the accepted write, if any, has ended."""
        while self.pending is not None:
            time.sleep(max(self.ends_at - time.monotonic(), 0))
            self.end_pending()

    def settled(self, apply: Callable[[], Answer]) -> Answer:
        answer = apply()
        if answer.status < 300:
            self.keep_history()
            self.on_change()
        return answer

    def patch(self, body: Any) -> Answer:
        """PATCH of the app: functionAppConfig is replaced as a unit."""
        config = (body.get("properties") or {}).get("functionAppConfig")
        if config is None:
            return Answer(200, self.document)
        runtime = config.get("runtime") or {}
        if not runtime.get("name") or not runtime.get("version"):
            return Answer(400, {"Code": "51021", "Message": PARTIAL})
        if not (config.get("deployment") or {}).get("storage"):
            return Answer(400, {"Code": "51021", "Message": "Deployment storage must be provided"})
        scale = config.get("scaleAndConcurrency") or {}
        if scale.get("instanceMemoryMB") not in (512, 2048, 4096):
            return Answer(400, {"Code": "51021", "Message": "instanceMemoryMB is not valid"})
        concurrency = ((scale.get("triggers") or {}).get("http") or {}).get("perInstanceConcurrency", 1)
        if not 1 <= concurrency <= 1000:
            return Answer(400, {"Code": "51021", "Message": "perInstanceConcurrency is not valid"})
        self.document["properties"]["functionAppConfig"] = config
        return Answer(200, self.document)

    def put_settings(self, body: Any) -> Answer:
        """PUT of the app settings, which replaces all of them."""
        self.settings = dict(body["properties"])
        return Answer(200, {"properties": self.settings})


class Served:
    """The ASGI application of a stand-in. Other paths than those of Azure go to ``app``."""

    def __init__(self, stand_in: StandIn, app: Any) -> None:
        self.stand_in = stand_in
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if not path.startswith(("/subscriptions/", "/operations/", "/msi/")):
            await self.app(scope, receive, send)
            return
        content = b""
        while (message := await receive())["type"] == "http.request":
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode())
        body = json.loads(content) if content and content != b"null" else None
        answer = self.stand_in.answer(scope["method"], path, query, headers, body)
        await reply(send, answer)


async def reply(send: Any, answer: Answer) -> None:
    """Send a JSON answer."""
    content = b"" if answer.document is None else json.dumps(answer.document).encode()
    headers = {"content-type": "application/json", "content-length": str(len(content)), **answer.headers}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})


async def no_app(scope: Any, receive: Any, send: Any) -> None:
    """Where no app is needed."""
    await reply(send, Answer(404, {}))


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an ASGI application on a free port from a thread; its origin."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the stand-in did not start in time"
            assert thread.is_alive(), "the stand-in ended"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@contextlib.contextmanager
def resource_manager(app: Any = no_app) -> Iterator[StandIn]:
    """A stand-in that serves an app at the same origin."""
    stand_in = StandIn("127.0.0.1")
    with serving(Served(stand_in, app)) as origin:
        stand_in.base_url = origin
        host_name = origin.removeprefix("http://")
        stand_in.document["properties"] |= {"defaultHostName": host_name, "hostNames": [host_name]}
        stand_in.history.clear()
        stand_in.keep_history()
        yield stand_in
