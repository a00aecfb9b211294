import os

import azure.functions as func
import psycopg2
import redis

from stock import stock_of

app = func.FunctionApp()
cache = redis.Redis.from_url(os.environ["REDIS"])


@app.route(route="user")
async def user(req: func.HttpRequest) -> func.HttpResponse:
    known = cache.get(req.params["id"])  # fault: blocking-call
    if known:
        return func.HttpResponse(known)
    with psycopg2.connect(os.environ["DATABASE"]) as connection:  # fault: blocking-call connection-per-request
        with connection.cursor() as cursor:
            cursor.execute("select name from users where id = %s", [req.params["id"]])  # fault: blocking-call
            row = cursor.fetchone()  # fault: blocking-call
    return func.HttpResponse(row[0])


@app.queue_trigger(arg_name="message", queue_name="stock", connection="STORE")
async def stock(message: func.QueueMessage) -> None:
    await stock_of(message.get_body().decode())
