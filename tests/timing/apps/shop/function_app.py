"""An app as apps are written: routes here, the work in modules below. Each `# here` marks the line of one fault."""

import azure.functions as func
from shop import background, blocking, computing, files, pools, waiting
from shop.decorators import timed

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
background.start()


@app.route("blocking-request")
async def blocking_request(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await blocking.Catalogue().price())


@app.route("blocking-sleep")
async def blocking_sleep(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await blocking.retry())


@app.route("lock")
@timed
def lock(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(waiting.STOCK.reserve())


@app.route("async-lock")
async def async_lock(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await waiting.refresh_token())


@app.route("file-lock")
def file_lock(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(files.append_audit("order"))


@app.route("connection-pool")
def connection_pool(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(pools.Repository().load())


@app.route("thread-semaphore")
def thread_semaphore(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(pools.throttled())


@app.route("condition-pool")
def condition_pool(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(pools.hand_made())


@app.route("semaphore")
async def semaphore(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await pools.call_partner())


@app.route("gathered")
async def gathered(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await pools.call_partners())


@app.route("to-thread")
async def to_thread(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await pools.render())


@app.route("library-in-thread")
async def library_in_thread(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await waiting.library_in_thread())


@app.route("network")
def network(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(waiting.fetch())


@app.route("sleep")
def sleep(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(waiting.poll_status())


@app.route("stream")
async def stream(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await waiting.read_rows())


@app.route("python-cpu")
def python_cpu(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(computing.total())


@app.route("loop-cpu")
async def loop_cpu(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(computing.total())


@app.route("hashing")
def hashing(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(computing.checksum())


@app.route("child-process")
def child_process(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(waiting.convert())


@app.route("noop")
async def noop(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("ok")


@app.route("grouped")
async def grouped(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await waiting.read_all())


@app.route("own-loop")
def own_loop(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(waiting.run_own_loop())


@app.route("builtin-cpu")
def builtin_cpu(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(computing.distances())
