"""The server of the live page, on the loopback interface."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import msgspec

from functune.errors import UsageError
from functune.watch.live_page import live_page
from functune.watch.live_run import LiveRun

LOOPBACK = "127.0.0.1"
LOCAL_NAMES = {LOOPBACK, "localhost"}
"""A page of another site that reaches this server by a name of its own gets no answer."""


class LiveServer(ThreadingHTTPServer):
    """Serves one run. ``port`` 0 takes a free one. Raises OSError for a port that is taken."""

    daemon_threads = True

    def __init__(self, live: LiveRun, port: int) -> None:
        super().__init__((LOOPBACK, port), LiveRequest)
        self.live = live

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.server_port}/"


class LiveRequest(BaseHTTPRequestHandler):
    """One request: the page, its state, or the report."""

    server: LiveServer
    server_version = "functune"

    def do_GET(self) -> None:
        """Answer."""
        asked = urlsplit(self.path)
        live = self.server.live
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in LOCAL_NAMES:
            self.send(HTTPStatus.FORBIDDEN, "text/plain", b"this server answers on the loopback interface alone\n")
        elif asked.path == "/":
            page = live_page(live.ask(is_visible=False), str(live.run))
            self.send(HTTPStatus.OK, "text/html", page.encode())
        elif asked.path == "/state.json":
            state = live.ask(is_visible=parse_qs(asked.query).get("visible") == ["1"])
            self.send(HTTPStatus.OK, "application/json", msgspec.json.encode(state))
        elif asked.path == "/report.html" and live.page:
            self.send(HTTPStatus.OK, "text/html", live.page)
        elif asked.path == "/favicon.ico":
            self.send(HTTPStatus.NO_CONTENT, "image/x-icon", b"")
        else:
            self.send(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page, or no report yet\n")

    def send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        """Send an answer that no browser keeps or shows in a page of another site."""
        try:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Security-Policy", "frame-ancestors 'self'")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # the reader has closed the page meanwhile
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal may show a sweep."""


@contextmanager
def served(live: LiveRun, port: int) -> Iterator[str]:
    """Serve a run in the background; the URL of its page. Raises UsageError for a port that cannot be used."""
    try:
        server = LiveServer(live, port)
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror}; name another one, or omit it to get a free one") from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
