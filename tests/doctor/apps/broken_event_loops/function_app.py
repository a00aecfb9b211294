import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor

import azure.functions as func
import bcrypt
import nest_asyncio  # fault: nest-asyncio

nest_asyncio.apply()
app = func.FunctionApp()
executor = ThreadPoolExecutor(4)


async def answer() -> str:
    await asyncio.sleep(0.1)
    return "done"


def render(name: str) -> bytes:
    return subprocess.check_output(["render", name])  # fault: blocking-call


@app.route(route="one")
async def one(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(asyncio.run(answer()))  # fault: loop-in-loop


@app.route(route="two")
def two(req: func.HttpRequest) -> func.HttpResponse:
    loop = asyncio.new_event_loop()
    return func.HttpResponse(loop.run_until_complete(answer()))  # fault: loop-per-call


@app.route(route="three")
async def three(req: func.HttpRequest) -> func.HttpResponse:
    future = executor.submit(sum, range(10**7))
    total = future.result()  # fault: blocking-call
    return func.HttpResponse(str(total))


@app.route(route="four")
async def four(req: func.HttpRequest) -> func.HttpResponse:
    hashed = bcrypt.hashpw(req.get_body(), bcrypt.gensalt())  # fault: computing-on-loop
    return func.HttpResponse(hashed + render("four"))
