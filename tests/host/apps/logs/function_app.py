"""Functions that log and fail in every way that the host shows differently."""

import asyncio
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
pool = ThreadPoolExecutor(1)
has_answered = asyncio.Event()
logging.warning("record of the import")


def log(where):
    logging.warning("record of %s", where)


@app.route("handler")
def handler(req: func.HttpRequest) -> str:
    log("a def handler")
    asyncio.run(asyncio.to_thread(log, "to_thread in a def handler"))
    return "ok"


@app.route("threads")
def threads(req: func.HttpRequest) -> str:
    thread = threading.Thread(target=log, args=("a thread",))
    thread.start()
    thread.join()
    pool.submit(log, "a pool").result()
    return "ok"


@app.route("coroutines")
async def coroutines(req: func.HttpRequest) -> str:
    async def child():
        log("a child task")

    log("an async handler")
    await asyncio.create_task(child())
    await asyncio.to_thread(log, "to_thread in an async handler")
    await asyncio.get_running_loop().run_in_executor(None, log, "an executor")
    return "ok"


@app.route("later")
async def later(req: func.HttpRequest) -> str:
    async def outlive():
        await has_answered.wait()
        log("a task after the answer")

    app.outliving = asyncio.create_task(outlive())
    return "ok"


@app.route("answered")
async def answered(req: func.HttpRequest) -> str:
    """Called once the answer of ``later`` has arrived."""
    has_answered.set()
    return "ok"


def total(prices):
    return sum(price["net"] for price in prices)


@app.route("fails")
def fails(req: func.HttpRequest) -> str:
    return str(total([{"gross": 1}]))


@app.route("chain")
async def chain(req: func.HttpRequest) -> str:
    try:
        total([{}])
    except KeyError as error:
        raise RuntimeError("no total") from error


@app.route("returns")
def returns(req: func.HttpRequest):
    return 5


@app.route("cookie")
def cookie(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"Set-Cookie": req.params["cookie"]})


@app.route("quiet")
def quiet(req: func.HttpRequest) -> str:
    logging.warning("a warning of quiet")
    logging.error("an error of quiet")
    return "ok"


@app.route("debugging")
def debugging(req: func.HttpRequest) -> str:
    logging.debug("a debug record of debugging")
    return "ok"


@app.route("prints")
def prints(req: func.HttpRequest) -> str:
    print("printed plainly", flush=True)
    for text in ("a note", "a DeprecationWarning", "it failed"):
        print(text, file=sys.stderr, flush=True)
    return "ok"
