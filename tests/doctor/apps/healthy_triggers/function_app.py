"""Durable functions, a queue and a timer."""

import datetime
import os

import azure.durable_functions as df
import azure.functions as func
from azure.cosmos import CosmosClient

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
_clients: dict[str, CosmosClient] = {}


def cosmos(url: str) -> CosmosClient:
    if url not in _clients:
        _clients[url] = CosmosClient(url, os.environ["COSMOS_KEY"])
    return _clients[url]


@app.route(route="start/{name}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance = await client.start_new(req.route_params["name"])
    return client.create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def collect(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime + datetime.timedelta(minutes=1))
    return (yield context.call_activity("count", "orders"))


@app.activity_trigger(input_name="table")
def count(table: str) -> int:
    container = cosmos(os.environ["COSMOS_URL"]).get_database_client("shop").get_container_client(table)
    return len(list(container.read_all_items()))


@app.queue_trigger(arg_name="message", queue_name="jobs", connection="STORE")
@app.queue_output(arg_name="done", queue_name="done", connection="STORE")
def work(message: func.QueueMessage, done: func.Out[str]) -> None:
    done.set(message.get_body().decode())


@app.schedule(schedule="0 */5 * * * *", arg_name="timer")
async def beat(timer: func.TimerRequest) -> None:
    return None
