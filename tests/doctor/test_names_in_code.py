"""What the names in an app stand for: the ways to a blocking call, and what only looks like one."""

import textwrap
from pathlib import Path

import pytest

from tests.doctor.written_apps import HANDLER, HEAD, found_in, write_files

BLOCKS = {
    "import in the function": ("", "from time import sleep as pause\npause(1)"),
    "call through getattr of a module": ("import time as t", "t.sleep(1)"),
    "session made here": ("import requests", "with requests.Session() as s:\n    s.get('u')"),
    "session of the module": ("import requests\nsession = requests.Session()", "session.post('u')"),
    "session from a function": ("import requests\ndef make():\n    return requests.Session()", "make().get('u')"),
    "function with a declared result": (
        "import httpx\nfrom typing import Optional\ndef make() -> Optional[httpx.Client]:\n    return pool.pop()",
        "make().get('u')",
    ),
    "declared in a string": ("import httpx\nasync def go(c: 'httpx.Client'):\n    c.get('u')", "await go(1)"),
    "method of a class": (
        "import time\nclass Shop:\n    def wait(self):\n        time.sleep(1)\nshop = Shop()",
        "shop.wait()",
    ),
    "method of a base class": (
        "import time\nclass Base:\n    def wait(self):\n        time.sleep(1)\nclass Shop(Base):\n    pass",
        "Shop().wait()",
    ),
    "attribute of an object": (
        "import requests\nclass Shop:\n    def __init__(self):\n        self.s = requests.Session()\n"
        "    async def load(self):\n        return self.s.get('u')\nshop = Shop()",
        "await shop.load()",
    ),
    "property": (
        "import requests\nclass Shop:\n    @property\n    def s(self):\n        return requests.Session()\n"
        "shop = Shop()",
        "shop.s.get('u')",
    ),
    "constructor": ("import time\nclass Shop:\n    def __init__(self):\n        time.sleep(1)", "Shop()"),
    "coroutine given to gather": (
        "import asyncio, time\nasync def one():\n    time.sleep(1)",
        "await asyncio.gather(one(), one())",
    ),
    "argument that is called at once": ("import asyncio, time", "await asyncio.to_thread(time.sleep(1))"),
    "global that a function fills": (
        "import redis\ncache = None\ndef connect():\n    global cache\n    cache = redis.Redis()",
        "cache.get('k')",
    ),
    "walrus": ("import requests", "if (s := requests.Session()):\n    s.get('u')"),
    "comprehension": ("import requests", "return [requests.get(u) for u in req.params]"),
    "in a try": ("import time", "try:\n    pass\nexcept OSError:\n    time.sleep(1)\nfinally:\n    pass"),
    "match": ("import time", "match req.method:\n    case 'GET':\n        time.sleep(1)"),
    "nested function that is called": ("import time", "def wait():\n    time.sleep(1)\nwait()"),
    "decorated function": (
        "import functools, time\n@functools.wraps(print)\ndef wait():\n    time.sleep(1)",
        "wait()",
    ),
    "appended": ("import requests\npages = []", "pages.append(requests.get('u'))"),
    "assigned to an attribute": ("import requests", "req.page = requests.get('u')"),
    "pipeline of redis": ("import redis\ncache = redis.Redis()", "cache.pipeline().execute()"),
    "mongo collection": ("import pymongo\ndb = pymongo.MongoClient()['shop']", "db['items'].find_one()"),
    "object of a boto3 resource": ("import boto3\ns3 = boto3.resource('s3')", "s3.Object('b', 'k').get()"),
    "search of elasticsearch": (
        "from elasticsearch import Elasticsearch\nsearching = Elasticsearch('u')",
        "searching.get(index='i', id=1)",
    ),
    "token of msal": (
        "import msal\nidentity = msal.ConfidentialClientApplication('i')",
        "identity.acquire_token_for_client(scopes=[])",
    ),
    "annotated attribute of a class": (
        "import requests\nclass Shop:\n    session: requests.Session = requests.Session()\n"
        "    def load(self):\n        return self.session.get('u')",
        "Shop().load()",
    ),
    "plural of a management client": (
        "from azure.mgmt.compute import ComputeManagementClient\nclient = ComputeManagementClient(1, 2)",
        "client.virtual_machines.list_all()",
    ),
}


@pytest.mark.parametrize(("top", "body"), BLOCKS.values(), ids=BLOCKS)
def test_blocking_call_is_found(tmp_path: Path, top: str, body: str) -> None:
    source = f"{top}\n{HEAD}{HANDLER}{textwrap.indent(body, '    ')}\n"
    (found,) = found_in(write_files(tmp_path, {"function_app.py": source}), "blocking-call")
    line = source.splitlines()[(found.line or 0) - 1]
    assert any(
        word in line
        for word in ("sleep(", "pause(", ".get(", ".post(", "find_one(", "execute(", "list_all(", "acquire_")
    )


DOES_NOT_BLOCK = {
    "parameter of that name": ("import time\ndef f(time):\n    time.sleep(1)", "f(req)"),
    "local of that name": ("import requests", "requests = req.params\nrequests.get('u')"),
    "name with two values": (
        "import requests, httpx",
        "s = requests.Session()\nif req.params:\n    s = object()\ns.get('u')",
    ),
    "method of something else": ("", "req.params.get('u')"),
    "await": ("import time", "await time.sleep(1)"),
    "async client": ("import httpx\nclient = httpx.AsyncClient()", "await client.get('u')"),
    "thread": ("import asyncio, time", "await asyncio.to_thread(time.sleep, 1)"),
    "executor with a lambda": ("import asyncio, time", "await loop.run_in_executor(None, lambda: time.sleep(1))"),
    "function given and not called": ("import time\ndef wait():\n    time.sleep(1)", "register(wait)"),
    "nested function that is not called": ("import time", "def wait():\n    time.sleep(1)"),
    "decorator that makes it async": (
        "import time\nfrom asgiref.sync import sync_to_async\n@sync_to_async\ndef wait():\n    time.sleep(1)",
        "task = wait()",
    ),
    "decorator of the app": (
        "import time\ndef threaded(f):\n    return f\n@threaded\ndef wait():\n    time.sleep(1)",
        "await wait()",
    ),
    "once per worker": (
        "import functools\nfrom azure.keyvault.secrets import SecretClient\nvault = SecretClient(1, 2)\n"
        "@functools.lru_cache\ndef secret():\n    return vault.get_secret('k')",
        "secret()",
    ),
    "once, behind a test": (
        "from azure.keyvault.secrets import SecretClient\nvault = SecretClient(1, 2)\nkey = None\n"
        "def secret():\n    global key\n    if key is None:\n        key = vault.get_secret('k').value\n    return key",
        "secret()",
    ),
    "once, after an early return": (
        "import requests\nkeys = {}\ndef key(n):\n    if n in keys:\n        return keys[n]\n"
        "    keys[n] = requests.get(n).text\n    return keys[n]",
        "key('k')",
    ),
    "text of a client": (
        "from azure.storage.blob import BlobClient\nblob = BlobClient(1, 2, 3)",
        "blob.url.replace('a', 'b')\nblob.get_blob_client('x')",
    ),
    "aio client": ("from azure.storage.blob.aio import BlobClient\nblob = BlobClient(1, 2, 3)", "blob.exists()"),
    "a circle": ("def a():\n    return b()\ndef b():\n    return a()\nx = a()\nx = x.y", "x.get()\na().get()"),
    "class of that name": ("class requests:\n    @staticmethod\n    def get(u): ...", "requests.get('u')"),
    "task": ("import asyncio", "t = asyncio.create_task(go())\nawait asyncio.wait([t])\nt.result()"),
    "code after the handler": ("import time\nif __name__ == '__main__':\n    time.sleep(1)", "pass"),
}


@pytest.mark.parametrize(("top", "body"), DOES_NOT_BLOCK.values(), ids=DOES_NOT_BLOCK)
def test_what_does_not_block_the_loop_is_not_found(tmp_path: Path, top: str, body: str) -> None:
    source = f"{top}\n{HEAD}{HANDLER}{textwrap.indent(body, '    ')}\n"
    assert found_in(write_files(tmp_path, {"function_app.py": source}), "blocking-call") == []


KEPT = {
    "top of the module": ("import httpx\nclient = httpx.Client()", "client.get('u')"),
    "cached": ("import functools, httpx\n@functools.cache\ndef c():\n    return httpx.Client()", "c().get('u')"),
    "global": (
        "import httpx\nclient = None\ndef c():\n    global client\n    client = client or httpx.Client()\n"
        "    return client",
        "c().get('u')",
    ),
    "made by a function and kept by its caller": (
        "import httpx\nclient = None\ndef make():\n    return httpx.Client()\n"
        "def c():\n    global client\n    if not client:\n        made = make()\n        client = made\n"
        "    return client",
        "c().get('u')",
    ),
    "entry": ("import httpx\nclients = {}", "clients['a'] = httpx.Client()"),
    "setdefault": ("import httpx\nclients = {}", "clients.setdefault('a', httpx.Client()).get('u')"),
    "attribute of the app": ("import httpx", "req.app.state.client = httpx.AsyncClient()"),
    "object of the module": (
        "import httpx\nclass Shop:\n    def __init__(self):\n        self.c = httpx.Client()\nshop = Shop()",
        "shop.c.get('u')",
    ),
    "credential of a kept client": (
        "from azure.identity import DefaultAzureCredential\nfrom azure.storage.blob import BlobServiceClient\n"
        "service = None\ndef c():\n    global service\n    if service is None:\n"
        "        credential = DefaultAzureCredential()\n        service = BlobServiceClient(1, credential)\n"
        "    return service",
        "c()",
    ),
    "kept until it expires": (
        "import httpx\nkeys = {}\ndef key(n):\n    if n in keys:\n        if keys[n]:\n            return keys[n]\n"
        "        del keys[n]\n    with httpx.Client() as c:\n        keys[n] = c.get('u')\n    return keys[n]",
        "key('k')",
    ),
    "another class of that name": ("class AsyncClient:\n    pass", "AsyncClient()"),
}


@pytest.mark.parametrize(("top", "body"), KEPT.values(), ids=KEPT)
def test_client_that_is_kept_is_not_found(tmp_path: Path, top: str, body: str) -> None:
    source = f"{top}\n{HEAD}{HANDLER}{textwrap.indent(body, '    ')}\n"
    assert found_in(write_files(tmp_path, {"function_app.py": source}), "client-per-request") == []


def test_client_of_a_timer_is_not_found(tmp_path: Path) -> None:
    made = "\ndef tick(timer):\n    httpx.Client().get('u')\n"
    timer = f"import httpx\n{HEAD}\n@app.timer_trigger(arg_name='timer', schedule='0 * * * * *'){made}"
    queue = f"import httpx\n{HEAD}\n@app.queue_trigger(arg_name='timer', queue_name='q', connection='c'){made}"
    assert found_in(write_files(tmp_path / "timer", {"function_app.py": timer}), "client-per-request") == []
    assert len(found_in(write_files(tmp_path / "queue", {"function_app.py": queue}), "client-per-request")) == 1


def test_call_that_several_handlers_reach_is_one_finding(tmp_path: Path) -> None:
    wait = "import time\n\n\ndef wait():\n    time.sleep(1)\n"
    more = '\n\n@app.route(route="y")\nasync def other(req):\n    wait()\n'
    source = f"from slow import wait\n{HEAD}{HANDLER}    wait()\n{more}"
    (found,) = found_in(write_files(tmp_path, {"function_app.py": source, "slow.py": wait}), "blocking-call")
    assert (found.file, found.line) == ("slow.py", 5)
    assert "async def handler → wait, and from 1 other handler" in found.seen


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("async def", "Await asyncio.sleep(…), or move the call to a thread: await asyncio.to_thread(function, …)."),
        (
            "def",
            "Run wait in a thread: await asyncio.to_thread(wait, …). Or make it an async def: await asyncio.sleep(…).",
        ),
    ],
)
def test_remedy_fits_the_function_with_the_call(tmp_path: Path, kind: str, remedy: str) -> None:
    called = "await wait()" if kind == "async def" else "wait()"
    source = f"import time\n{HEAD}\n{kind} wait():\n    time.sleep(1)\n{HANDLER}    {called}\n"
    (found,) = found_in(write_files(tmp_path, {"function_app.py": source}), "blocking-call")
    assert found.remedy == remedy


def test_modules_that_import_a_name_from_each_other_are_read(tmp_path: Path) -> None:
    """Such a name stands for nothing; Python itself refuses it only where the modules are loaded at the same time."""
    files = {
        "function_app.py": f"import time\nfrom a import go\n{HEAD}{HANDLER}    go()\n    time.sleep(1)\n",
        "a.py": "try:\n    from b import go\nexcept ImportError:\n    pass\n",
        "b.py": "from a import go\n",
    }
    assert len(found_in(write_files(tmp_path, files), "blocking-call")) == 1


def test_very_long_expression_is_read(tmp_path: Path) -> None:
    """Generated code has chains of thousands of operators or branches."""
    long = "x = " + " + ".join(["1"] * 3000)
    chain = "    if x == 0:\n        pass\n" + "".join(f"    elif x == {n}:\n        pass\n" for n in range(2000))
    source = f"import time\n{HEAD}{long}\n{HANDLER}    {long}\n{chain}    time.sleep(1)\n"
    assert len(found_in(write_files(tmp_path, {"function_app.py": source}), "blocking-call")) == 1
