"""
The contract with azure-functions-runtime: what functune.host.runtime rests on, one fact per test.

When one of these fails after an upgrade, its message says what moved: mend runtime.py, then RUNTIME_VERSION and the
pin.
Each question is answered in a process of its own, since the runtime keeps its state in module globals. They are forks
of one process that has imported the runtime and no app.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.serving import APPS

PROJECT = Path(__file__).parents[2]
PRELUDE = """
import ast, asyncio, importlib.metadata, inspect, json, os, signal, sys, traceback
from pathlib import Path
import azure_functions_runtime
from azure_functions_runtime.bindings import datumdef, generic
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import invocation_request_native
from functune.host import runtime
from functune.host.messages import *
def tell(value):
    print("told:" + json.dumps(value))
"""
FORKS = """
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # nobody answers a question that takes longer
        written = os.open(asked["output"], os.O_WRONLY)
        os.dup2(written, 1)
        os.dup2(written, 2)
        os.chdir(asked["cwd"])
        os.environ.update(asked["environ"])
        failed = False
        try:
            exec(asked["code"], {**globals(), "root": Path.cwd()})
        except BaseException:
            traceback.print_exc()
            failed = True
        sys.stdout.flush()
        os._exit(failed)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
INDEX = """
runtime.start()
sys.path.append(str(root))
def index():
    async def work():
        return await runtime.init(WorkerInitRequest(str(root))), await runtime.indexed_functions()
    return asyncio.run(work())
"""
RICH_APP = """
import azure.functions as func
app = func.FunctionApp()

@app.route("sync", methods=["POST"])
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
def sync(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(req.get_body() + context.invocation_id.encode(), headers={"Set-Cookie": "a=b; Path=/"})

@app.route("retried")
@app.retry(
    strategy="exponential_backoff", max_retry_count="2", minimum_interval="00:00:01", maximum_interval="00:00:09"
)
async def asynchronous(req: func.HttpRequest) -> str:
    return req.params["q"] + req.route_params["r"] + req.headers["h"] + req.method + req.url

@app.route("out")
@app.queue_output(arg_name="msg", queue_name="q", connection="c")
def out(req: func.HttpRequest, msg: func.Out[str]) -> str:
    msg.set("to the queue")
    return "ok"

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def tick(timer: func.TimerRequest) -> None: ...

@app.generic_trigger(arg_name="req", type="httpTrigger", route="generic")
def generic(req: func.HttpRequest) -> None: ...
"""


type Told = Callable[..., Any]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """``told(code, cwd, **environ)``: what the code tells when it runs in this folder, in a fork of its own."""
    output = tmp_path_factory.mktemp("told") / "output"
    with subprocess.Popen(
        [sys.executable, "-c", PRELUDE + FORKS],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asking, answered = process.stdin, process.stdout

        def told(code: str, cwd: Path, **environ: str) -> Any:
            output.write_text("")
            asked = {"code": code, "cwd": str(cwd), "environ": environ, "output": str(output)}
            print(json.dumps(asked), file=asking, flush=True)
            assert answered.readline() == "0\n", output.read_text()
            lines = [line for line in output.read_text().splitlines() if line.startswith("told:")]
            return json.loads(lines[-1].removeprefix("told:"))

        yield told
        asking.close()


@pytest.fixture
def rich_app(tmp_path: Path) -> Path:
    (tmp_path / "function_app.py").write_text(RICH_APP)
    return tmp_path


def test_installed_version_is_the_one_everything_was_written_against(told: Told) -> None:
    written, installed = told(
        'tell([runtime.RUNTIME_VERSION, importlib.metadata.version("azure-functions-runtime")])', PROJECT
    )
    pins = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert installed == written, f"azure-functions-runtime {installed} is installed, runtime.py knows {written}"
    assert f"azure-functions-runtime=={written}" in pins, "the pin in pyproject.toml and RUNTIME_VERSION differ"


def test_invocation_seam_takes_what_it_is_given(told: Told) -> None:
    parameters = told("tell(list(inspect.signature(invocation_request_native).parameters))", PROJECT)
    assert parameters == [
        *("invocation_id", "function_id", "inputs", "trigger_metadata", "trace_parent", "trace_state"),
        *("retry_count", "max_retry_count", "retry_exception"),
    ], "invocation_request_native changed its parameters; runtime.invoke passes the first six by position"


def test_invocation_seam_answers_five_values(told: Told, rich_app: Path) -> None:
    code = f"""{INDEX}
seen = []
async def spy(*arguments):
    answer = await invocation_request_native(*arguments)
    seen.append([type(part).__name__ for part in answer])
    return answer
runtime.invocation_request_native = spy
_, indexed = index()
ids = {{function.name: function.function_id for function in indexed.functions}}
http = RpcHttp("POST", "http://x/", {{}}, {{}}, {{}}, b"body ")
asyncio.run(runtime.invoke(InvocationRequest("id 1", ids["sync"], "req", http, "", "")))
asyncio.run(runtime.invoke(InvocationRequest("id 2", ids["asynchronous"], "req", http, "", "")))
tell(seen)
"""
    assert told(code, rich_app) == [
        ["bool", "Datum", "list", "NoneType", "NoneType"],
        ["bool", "NoneType", "list", "str", "str"],
    ], "invocation_request_native changed its answer: (ok, return_datum, [(name, datum)], error text, traceback)"


def test_functions_run_through_the_seam(told: Told, rich_app: Path) -> None:
    code = f"""{INDEX}
import msgspec
_, indexed = index()
ids = {{function.name: function.function_id for function in indexed.functions}}
http = RpcHttp("PUT", "http://x/", {{"h": "H"}}, {{"q": "Q"}}, {{"r": "R"}}, b"body ")
answers = {{
    name: asyncio.run(runtime.invoke(InvocationRequest("the id", ids[name], "req", http, "", "")))
    for name in ("sync", "asynchronous", "out", "generic")
}}
answers["unknown"] = asyncio.run(runtime.invoke(InvocationRequest("the id", "no such id", "req", http, "", "")))
tell(json.loads(msgspec.json.encode(answers)))
"""
    got = told(code, rich_app)
    cookie = ["a", "b", "", "/", "", "", False, False, ""]
    headers = {"content-type": "text/plain; charset=utf-8"}
    body = "Ym9keSB0aGUgaWQ="  # "body the id", as msgspec writes bytes to JSON
    assert got["sync"] == [7, "the id", ["http", "200", headers, [cookie], body], {}, None, None]
    assert got["asynchronous"] == [7, "the id", ["string", "QRHPUThttp://x/"], {}, None, None]
    assert got["out"] == [7, "the id", ["string", "ok"], {"msg": ["string", "to the queue"]}, None, None]
    assert got["generic"] == [7, "the id", None, {}, None, None]
    assert got["unknown"] == [7, "the id", None, {}, ["function no such id not loaded", ""], None]


def test_failure_comes_with_the_texts_that_the_platform_logs(told: Told, rich_app: Path) -> None:
    code = f"""{INDEX}
_, indexed = index()
[failing] = [function.function_id for function in indexed.functions if function.name == "asynchronous"]
http = RpcHttp("GET", "http://x/", {{}}, {{}}, {{}}, b"")
answer = asyncio.run(runtime.invoke(InvocationRequest("the id", failing, "req", http, "", "")))
tell([answer.exception.message, answer.exception.stack_trace])
"""
    message, trace = told(code, rich_app)
    assert message == "KeyError: 'q'", (
        "native_invocation no longer hands the exception of a failed invocation to the exception method of its logger"
    )
    assert trace.startswith("Traceback (most recent call last):")
    assert "function_app.py" in trace


def test_indexing_reaches_for_no_protobuf_name_that_is_not_stood_in(told: Told, rich_app: Path) -> None:
    code = f"""
class Recording:
    def __init__(self, path, target):
        self._path, self._target = path, target
    def __getattr__(self, name):
        touched.add(f"{{self._path}}.{{name}}")
        if not hasattr(self._target, name):
            missing.add(f"{{self._path}}.{{name}}")
        value = getattr(self._target, name)
        return Recording(f"{{self._path}}.{{name}}", value) if isinstance(value, type) else value
    def __call__(self, *arguments, **fields):
        return self._target(*arguments, **fields)
touched, missing = set(), set()
runtime._Protos = Recording("protos", runtime._Protos)
{INDEX}
answer, indexed = index()
tell([sorted(missing), sorted(touched), answer.exception and answer.exception.message, len(indexed.functions or ())])
"""
    missing, touched, exception, count = told(code, rich_app)
    assert not missing, f"the runtime now reaches for {', '.join(missing)}: give _Protos in runtime.py a stand-in"
    assert (exception, count) == (None, 5)
    assert {"protos.WorkerInitResponse", "protos.RpcFunctionMetadata", "protos.BindingInfo.out"} <= set(touched)


def test_indexed_functions_have_their_bindings(told: Told, rich_app: Path) -> None:
    code = f"""{INDEX}
answer, indexed = index()
tell({{f.name: [f.function_id, f.script_file, *map(json.loads, f.raw_bindings)] for f in indexed.functions}})
"""
    functions = told(code, rich_app)
    assert set(functions) == {"sync", "asynchronous", "out", "tick", "generic"}
    function_id, script_file, trigger, output = functions["sync"]
    assert len(function_id) == 36
    assert script_file == "function_app.py"
    assert (trigger["type"], trigger["name"], trigger["route"], trigger["methods"]) == (
        *("httpTrigger", "req", "sync"),
        ["POST"],
    )
    assert (output["type"], output["name"], output["direction"]) == ("http", "$return", "OUT")


@pytest.mark.parametrize(("count", "expected"), [("3", 3), ("1000", 1000), ("0", None), ("x", None)])
def test_thread_pool_has_the_size_of_the_app_setting(told: Told, count: str, expected: int | None) -> None:
    code = """
runtime.start()
sys.path.append(str(root))
size = azure_functions_runtime.get_threadpool_executor()._max_workers
tell(size)
"""
    python_default = min(32, (os.process_cpu_count() or 1) + 4)
    assert told(code, PROJECT, PYTHON_THREADPOOL_THREAD_COUNT=count) == (expected or python_default)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "ValueError: Could not find top level function app instances in function_app.py."),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('\\udcff')", "ValueError: \\udcff"),
    ],
)
def test_broken_app_is_an_answer_and_not_a_raise(told: Told, tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "function_app.py").write_text(source)
    code = f"{INDEX}\nanswer, indexed = index()\ntell([answer.exception.message, answer.exception.stack_trace])"
    said, trace = told(code, tmp_path)
    assert said == message
    assert "function_app.py" in trace or source == "x = 1"


@pytest.mark.parametrize("source", [None, "import azure.functions as func\napp = func.FunctionApp()"])
def test_no_app_and_an_app_without_functions_are_both_none(told: Told, tmp_path: Path, source: str | None) -> None:
    if source is not None:
        (tmp_path / "function_app.py").write_text(source)
    code = f"{INDEX}\nanswer, indexed = index()\ntell([answer.exception, indexed.functions])"
    assert told(code, tmp_path) == [None, None]


def test_every_kind_of_datum_the_runtime_sends_is_understood(told: Told) -> None:
    """The kinds are read off the source of datum_as_proto, the runtime's own way out."""
    code = """
tree = ast.parse(inspect.getsource(datumdef.datum_as_proto))
sent = {node.comparators[0].value for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and ast.unparse(node.left) == "datum.type"}
tree = ast.parse(inspect.getsource(runtime._typed_data))
taken = {node.value.value for node in ast.walk(tree) if isinstance(node, ast.MatchValue)}
tell([sorted(sent - {None}), sorted(taken)])
"""
    sent, taken = told(code, PROJECT)
    assert sent == taken, "datum_as_proto and runtime._typed_data know different kinds of Datum"


def test_values_of_a_generic_binding_travel_as_the_platform_sends_them(told: Told) -> None:
    code = """
values = ["text", b"\\xff", bytearray(b"x"), None, {"a": 1}, [1], 5, True, 0.5]
encoded = [generic.GenericBinding.encode(value, expected_type=None) for value in values]
tell([repr(runtime._typed_data(datum)) for datum in encoded])
"""
    assert told(code, PROJECT) == [
        "StringData(value='text')",
        r"BytesData(value=b'\xff')",
        "BytesData(value=b'x')",
        "None",
        """JsonData(value='{"a": 1}')""",
        "JsonData(value='[1]')",
        "JsonData(value='5')",
        "JsonData(value='1')",
        "JsonData(value='0.5')",
    ]


def test_main_app_of_these_tests_is_indexed(told: Told) -> None:
    code = f"{INDEX}\nanswer, indexed = index()\ntell([answer.exception, len(indexed.functions)])"
    exception, count = told(code, APPS / "main")
    assert exception is None
    assert count > 10
