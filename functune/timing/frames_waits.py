"""
The wait of a thread or of a suspended coroutine, by its innermost frame.

The innermost frame decides, not the chain: a connection pool stands above every ``recv``. Only the waits of events and
conditions name nothing, so the frame that called them decides.
"""

import re
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Literal, NamedTuple

from functune.timing import frames_callee
from functune.timing.frames import ReaderCode, library_path

type WaitKind = Literal["cpu", "lock", "pool", "network", "file lock", "sleep", "executor", "other"]


class Wait(NamedTuple):
    """A wait, or the work of a thread that does not wait."""

    kind: WaitKind
    waits_in: str | None = None
    """The innermost library call in words, such as ``Lock.acquire``; None for a thread that runs."""
    is_certain: bool = True
    """False for a C function that may wait or compute: the CPU time of its samples decides."""


RUNS = Wait("cpu")

_C_FUNCTIONS: tuple[tuple[str, WaitKind, str], ...] = (
    (r"time\.sleep", "sleep", "time.sleep"),
    (r"_thread\.lock\.(acquire|acquire_lock|__enter__)", "lock", "Lock.acquire"),
    (r"_thread\.RLock\.(acquire|__enter__)", "lock", "RLock.acquire"),
    (r"_multiprocessing\.SemLock\.(acquire|__enter__)", "lock", "multiprocessing.Lock.acquire"),
    (r"_queue\.SimpleQueue\.(get|put)", "pool", "SimpleQueue.{1}"),
    (r"fcntl\.(flock|lockf|fcntl)", "file lock", "fcntl.{1}"),
    (r"posix\.lockf", "file lock", "os.lockf"),
    (r"sqlite3\.(Connection|Cursor)\.(execute\w*)", "file lock", "sqlite3.{1}.{2}"),
    (r"_socket\.socket\.(recv\w*|send\w*|accept|_accept|connect\w*)", "network", "socket.{1}"),
    (r"socket\.socket\.(connect)", "network", "socket.{1}"),
    (r"_socket\.(getaddrinfo|gethostby\w+|getnameinfo)", "network", "socket.{1}"),
    (r"_ssl\._SSLSocket\.(read|write|do_handshake|shutdown)", "network", "ssl.{1}"),
    (r"select\.(select|poll\.poll|epoll\.poll|kqueue\.control)", "network", "select.{1}"),
    (r"(posix|os)\.(waitpid|wait\w*)", "other", "os.{2}"),
    (r"_thread\._ThreadHandle\.join", "other", "Thread.join"),
)
_C_WORK = re.compile(
    r"builtins\.(?!(input|print|next|open)$).*|time\.(?!sleep$).*|_thread\.\w+\.(release|locked|__exit__)"
    r"|_?(numpy|scipy|pandas|hashlib|sha\d|md5|blake2|hmac|zlib|bz2|lzma|json|orjson|re|sre|PIL|cv2|pickle|struct|math"
    r"|operator|itertools|functools|collections|random|datetime|decimal|csv|binascii|unicodedata|array|bisect|heapq)\..*"
)
"""
C functions that compute and never wait, also where threads of their own do the work.

A thread that waits for the GIL after such a call looks as if it were in it, without CPU time.
"""
_FUNCTIONS: tuple[tuple[str, str, WaitKind, str], ...] = (
    (r"threading\.py", r"(Bounded)?Semaphore\.(acquire|__enter__)", "pool", "Semaphore.acquire"),
    (r"threading\.py", r"Thread\.join", "other", "Thread.join"),
    (r"threading\.py", r"Condition\.__enter__", "lock", "Lock.acquire"),
    (r"queue\.py", r"Queue\.(get|put|join)", "pool", "Queue.{}"),
    (r"multiprocessing/queues\.py", r"\w+\.(get|put)", "pool", "multiprocessing.Queue.{}"),
    (r"(subprocess|asyncio/subprocess|asyncio/base_subprocess)\.py", r".*", "other", "subprocess"),
    (r"concurrent/futures/_base\.py", r".*", "other", "concurrent.futures"),
    (r"multiprocessing/(connection|pool|popen\w*)\.py", r".*", "other", "multiprocessing"),
    (r"asyncio/tasks\.py", r"sleep", "sleep", "asyncio.sleep"),
    (r"asyncio/locks\.py", r"Lock\.acquire", "lock", "asyncio.Lock.acquire"),
    (r"asyncio/locks\.py", r"Semaphore\.acquire", "pool", "asyncio.Semaphore.acquire"),
    (r"asyncio/queues\.py", r"Queue\.(get|put|join)", "pool", "asyncio.Queue.{}"),
    (r"asyncio/(streams|sock\w*|selector_events|base_events)\.py", r".*", "network", "asyncio stream"),
    (r"anyio/.*", r"CapacityLimiter\..*", "pool", "anyio CapacityLimiter"),
    (r"anyio/.*", r"Semaphore\..*", "pool", "anyio Semaphore"),
    (r"anyio/.*", r"Lock\..*", "lock", "anyio Lock"),
    (r"anyio/.*", r"\w*(Stream|Socket)\w*\.(receive|send)\w*", "network", "anyio {}"),
    (r"anyio/.*", r".*run_sync_in_worker_thread", "other", "a thread of anyio"),
    (r"aiohttp/(streams|client_proto|client_reqrep|base_protocol)\.py", r".*", "network", "aiohttp"),
    (r"aiohttp/connector\.py", r".*_wait_for_available_connection", "pool", "aiohttp connector"),
    (r"http(core|x)/.*", r".*wait_for_connection", "pool", "httpcore connection pool"),
)
"""File and qualified name of a Python function, each matched as a whole."""
_NAMELESS = re.compile(
    r"(asyncio/|anyio/|httpcore/|)(threading|locks|_backends/_asyncio|_core/_synchronization|_synchronization)\.py"
    r" (\w*Event\.wait|Condition\.(wait|wait_for)|Barrier\.(wait|_wait))"
)
_WRAPPER = re.compile(r"asyncio/(tasks|timeouts|threads)\.py (wait_for|timeout|_wait|wait|to_thread)")
_POOL = re.compile(r"(semaphore|limiter|queue|pool)\w*\.|(checkout|getconn|borrow|lease)", re.IGNORECASE)
_NETWORK = re.compile(r"(^|[._])(recv|receive|send|read|write|connect|handshake|drain|fetch|request)\w*$")
_LOCK = re.compile(r"\w*(Lock|Mutex)\w*\.(acquire|__a?enter__)")
_WAITING_NAME = re.compile(
    r"(exec|fetch|recv|read|write|wait|join|acquire|connect|commit|rollback|poll|select$|request|send|query|get_result)"
)
_RULES = tuple((re.compile(f"{path} {name}"), kind, words) for path, name, kind, words in _FUNCTIONS)
_C_RULES = tuple((re.compile(name), kind, words) for name, kind, words in _C_FUNCTIONS)


def wait_of_thread(stack: Sequence[FrameType], reader: ReaderCode) -> Wait:
    """The wait of a thread, or its work, by its frames, the innermost one first."""
    innermost = stack[0]
    if not frames_callee.call_site(innermost.f_code, innermost.f_lasti).may_be_in_c:
        return RUNS  # it computes in Python, or wants to and waits for the GIL
    decisive, skipped = decisive_frame(stack)
    if skipped:
        return wait_by_code(decisive.f_code, skipped, reader)
    return known_function(innermost.f_code) or wait_in_c(innermost)


def wait_in_c(frame: FrameType) -> Wait:
    """The wait, or the work, of the C function that a frame is inside of."""
    site = frames_callee.call_site(frame.f_code, frame.f_lasti)
    name = frames_callee.callee(frame)
    for pattern, kind, words in _C_RULES:
        if found := pattern.fullmatch(name):
            return caller_wait(frame, Wait(kind, words.format(found[0], *found.groups())))
    if _C_WORK.fullmatch(name):
        return RUNS
    shown = name or ".".join(part for part in site.names if part) or "C function"
    if site.enters and not name:
        return Wait("lock", f"with {shown}", is_certain=False)
    return Wait("other", public_name(shown), is_certain=False)


def caller_wait(frame: FrameType, found: Wait) -> Wait:
    """A wait of the library function that called a C function, where it says more than the C function itself."""
    if found.kind == "network" and (caller := next(iter(outer_functions(frame)), None)) is not None:
        return caller
    return found


def outer_functions(frame: FrameType) -> list[Wait]:
    """The waits that the callers of ``selectors`` stand for: ``subprocess`` polls pipes, not the network."""
    if library_path(frame.f_code.co_filename) != "selectors.py" or frame.f_back is None:
        return []
    found = known_function(frame.f_back.f_code)
    return [] if found is None else [found]


def wait_of_task(chain: Sequence[CodeType], reader: ReaderCode) -> Wait:
    """The wait of a suspended coroutine, by the code of its await chain, the innermost one first."""
    skipped = ""
    for code in chain:
        name = f"{library_path(code.co_filename)} {code.co_qualname}"
        if not reader.file(code) and (_NAMELESS.fullmatch(name) or _WRAPPER.fullmatch(name)):
            skipped = skipped or code.co_qualname
            continue
        return wait_by_code(code, skipped or "future", reader)
    return Wait("other", skipped or "future")


def decisive_frame(stack: Sequence[FrameType]) -> tuple[FrameType, str]:
    """The frame that decides and, where it is not the innermost one, the name of the wait that says nothing."""
    skipped = ""
    for frame in stack:
        code = frame.f_code
        if not _NAMELESS.fullmatch(f"{library_path(code.co_filename)} {code.co_qualname}"):
            return frame, skipped
        skipped = skipped or code.co_qualname
    return stack[-1], skipped


def wait_by_code(code: CodeType, skipped: str, reader: ReaderCode) -> Wait:
    """The wait of a Python function, by its name; ``skipped`` names the wait inside of it."""
    if not reader.file(code) and (found := known_function(code)) is not None:
        return found
    name = code.co_qualname.replace("<locals>.", "")
    words = skipped if reader.file(code) else public_name(f"{package_of(code)} {name}")
    function = name.rpartition(".")[2]
    if _LOCK.fullmatch(name):
        return Wait("lock", words)
    if _POOL.search(name) and not re.match(r"(read|recv|receive|write|send)", function):
        return Wait("pool", words)
    if not reader.file(code) and _NETWORK.search(function):
        return Wait("network", words)
    return Wait("other", words)


def known_function(code: CodeType) -> Wait | None:
    """The wait that a function of a known library stands for; None for any other."""
    known = _known.get(id(code))
    if known is None:
        known = _known[id(code)] = code, looked_up(code)
    return known[1]


_known: dict[int, tuple[CodeType, Wait | None]] = {}


def looked_up(code: CodeType) -> Wait | None:
    """The same, from the table."""
    function = code.co_qualname.rpartition(".")[2]
    name = f"{library_path(code.co_filename)} {code.co_qualname}"
    return next((Wait(kind, words.format(function)) for rule, kind, words in _RULES if rule.fullmatch(name)), None)


def package_of(code: CodeType) -> str:
    """The package of a library's code, such as ``psycopg_pool``."""
    return library_path(code.co_filename).partition("/")[0].removesuffix(".py")


def public_name(name: str) -> str:
    """A name without the underscore that marks the C half of a module."""
    return name.removeprefix("builtins.").removeprefix("_")


def sounds_like_waiting(name: str) -> bool:
    """Whether the name of a C function is that of a wait, such as ``cursor.execute``."""
    return _WAITING_NAME.search(name.rpartition(".")[2].lower()) is not None
