"""What a client that means harm can do to a connection, and what becomes of the connection."""

import contextlib
import resource
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from tests.host.serving import APPS, Serving, wait_until

GET = b"GET /api/pid HTTP/1.1\r\nhost: x\r\n"
POST = b"POST /api/pid HTTP/1.1\r\nhost: x\r\n"
SHORT = {"keep_alive_timeout": 1.5, "request_headers_timeout": 2.0}
"""The limits of the tests that wait for them, in seconds; Kestrel's own are in ConnectionLimits."""


@pytest.fixture(scope="module")
def short() -> Iterator[Serving]:
    """A host that closes idle and slow connections soon. Whoever talks to it must not be slow."""
    with Serving(APPS / "faults", limits={"connection": SHORT}) as host:
        yield host.ready()


@pytest.fixture(scope="module")
def patient() -> Iterator[Serving]:
    """A host with Kestrel's own limits, but for the time in which it discards a body."""
    with Serving(APPS / "faults", limits={"connection": {"drain_timeout": 0.3}}) as host:
        yield host.ready()


@contextlib.contextmanager
def connected(host: Serving) -> Iterator[socket.socket]:
    """A bare connection; the host serves as before when it is over."""
    with host.connect() as connection:
        yield connection
    assert host.get("/api/pid").status_code == 200
    assert "Traceback" not in host.text


def everything(connection: socket.socket) -> bytes:
    """All that comes until the host closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_connection_that_sends_nothing_is_closed(short: Serving) -> None:
    with connected(short) as connection:
        assert everything(connection) == b""


def test_connection_that_is_idle_after_an_answer_is_closed(short: Serving) -> None:
    with connected(short) as connection:
        connection.sendall(GET + b"\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


def test_headers_that_never_end_are_cut_off(short: Serving) -> None:
    """After a byte, a blank line, a head, and a head that follows a whole request; each on a connection of its own."""
    answers = {b"G": b"", b"\r\n": b"", GET: b"", GET + b"\r\n" + GET: b"HTTP/1.1 200 "}
    with contextlib.ExitStack() as stack:
        connections = {begun: stack.enter_context(connected(short)) for begun in answers}
        for begun, connection in connections.items():
            connection.sendall(begun)
        assert {begun: everything(connection)[:13] for begun, connection in connections.items()} == answers


def test_headers_that_drip_in_are_cut_off_all_the_same(short: Serving) -> None:
    with connected(short) as connection, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(GET)
        connection.settimeout(0.05)

        def is_closed() -> bool:
            connection.sendall(b"x-a: 1\r\n")
            try:
                return connection.recv(1) == b""
            except TimeoutError:
                return False

        wait_until(is_closed, "end of the connection")


def test_body_may_take_longer_than_the_headers(short: Serving) -> None:
    with connected(short) as connection:
        connection.sendall(POST + b"connection: close\r\ncontent-length: 2\r\n\r\na")
        time.sleep(SHORT["request_headers_timeout"] + 0.3)  # the thing tested is that nothing happens meanwhile
        connection.sendall(b"b")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


def headers(count: int, size: int) -> bytes:
    return b"".join(b"x-%05d: %s\r\n" % (number, b"v" * (size - 11)) for number in range(count))


@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (GET + headers(98, 20), 200),
        (GET + headers(100, 20), 431),
        (GET + headers(30, 1080), 200),
        (GET + headers(31, 1080), 431),
        (GET.replace(b"pid", b"pid?" + b"q" * 8100), 200),
        (GET.replace(b"pid", b"pid?" + b"q" * 8200), 414),
    ],
    ids=["100 headers", "101 headers", "32 KiB", "more than 32 KiB", "line of 8 KiB", "longer line"],
)
def test_head_over_a_limit_of_kestrel_is_refused(patient: Serving, head: bytes, status: int, is_cut: bool) -> None:
    with connected(patient) as connection:
        end = b"connection: close\r\n\r\n" if status == 200 else b"\r\n"
        for piece in [head[:5000], head[5000:7000], head[7000:], end] if is_cut else [head + end]:
            connection.sendall(piece)
            if is_cut and piece is not end:
                assert patient.get("/admin/host/ping").status_code == 200  # this piece was read by now
        answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert b"connection: close" in answer


@pytest.mark.parametrize(("begun", "status"), [(b"GET /", 414), (GET + b"x-endless: ", 431)])
def test_endless_head_is_refused_before_it_fills_the_memory(patient: Serving, begun: bytes, status: int) -> None:
    with connected(patient) as connection, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(begun)
        assert patient.get("/admin/host/ping").status_code == 200
        connection.sendall(b"x" * 60_000)
        assert everything(connection).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (POST + b"transfer-encoding: chunked\r\n\r\n", 200),
        (POST + b"content-length: 999999999999\r\n\r\n", 413),
        (POST.replace(b"pid", b"none") + b"content-length: 99999999\r\n\r\n", 404),
    ],
    ids=["chunked", "too large", "unknown path"],
)
def test_endless_body_nobody_reads_ends_with_the_answer(patient: Serving, head: bytes, status: int) -> None:
    with connected(patient) as connection:
        connection.sendall(head)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send_for_ever(connection)
        # What it was answered is still there to be read.
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert answer.count(b"HTTP/1.1 ") == answer.count(b"connection: close") == 1


def send_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")


def test_body_that_has_arrived_keeps_the_connection(patient: Serving) -> None:
    with connected(patient) as connection:
        body = b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
        connection.sendall(POST + body + POST + b"connection: close\r\n" + body)
        assert everything(connection).count(b"HTTP/1.1 200 ") == 2


def test_pipelined_requests_are_answered_in_order(patient: Serving) -> None:
    with connected(patient) as connection:
        connection.sendall(
            GET.replace(b"pid", b"wait?s=0.2") + b"\r\n" + GET + b"\r\nGET /no HTTP/1.1\r\nconnection: close\r\n\r\n"
        )
        answers = everything(connection)
        assert [answer[:4] for answer in answers.split(b"HTTP/1.1 ")[1:]] == [b"200 ", b"200 ", b"404 "]


def test_what_follows_a_sound_request_does_not_take_its_answer(short: Serving) -> None:
    """The call takes longer than a head may."""
    sound = GET.replace(b"pid", b"wait?s=2.5") + b"\r\n"
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connected(short)) for _ in range(3)]
        rests = (b"NONSENSE\r\n\r\n", b"GET /half", b"GET /" + b"x" * 60_000)
        for connection, rest in zip(connections, rests, strict=True):
            connection.sendall(sound + rest)
        for connection in connections:
            answer = everything(connection)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.count(b"HTTP/1.1 ") == 1


def test_connection_lost_with_requests_in_the_pipeline_is_no_error(patient: Serving) -> None:
    with connected(patient) as connection:
        connection.sendall((GET.replace(b"pid", b"wait?s=0.2") + b"\r\n") * 3)
        assert patient.get("/admin/host/ping").status_code == 200
        # Closed with a reset, which shows when the first is answered; the second has begun by then.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    patient.get("/api/wait?s=1")  # all three were answered into the void by now
    assert "Traceback" not in patient.text


def test_upgrade_is_ignored_and_not_logged(patient: Serving) -> None:
    with connected(patient) as connection:
        connection.sendall(GET + b"connection: upgrade, close\r\nupgrade: websocket\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")
        assert "pgrade" not in patient.text


def test_host_asks_for_as_many_connections_as_the_system_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        host = Serving(APPS / "faults")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with host, contextlib.ExitStack() as stack:
        host.ready()
        for _ in range(300):
            stack.enter_context(host.connect())
        assert host.get("/api/pid").status_code == 200
