"""Sync handlers: they may wait, since each has a thread of its own."""

import functools
import json
import os
import time

import azure.functions as func
import psycopg2.pool
import requests
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
session = requests.Session()
_pool = None


@functools.cache
def vault() -> SecretClient:
    return SecretClient(os.environ["VAULT_URL"], DefaultAzureCredential())


def pool():
    global _pool
    if _pool is None:
        _pool = psycopg2.pool.ThreadedConnectionPool(1, 16, os.environ["DATABASE_URL"])
    return _pool


@app.route(route="rates/{currency}", methods=["GET"])
def rates(req: func.HttpRequest) -> func.HttpResponse:
    answer = session.get(f"{os.environ['RATES_URL']}/{req.route_params['currency']}", timeout=5)
    if answer.status_code == 429:
        time.sleep(float(answer.headers["Retry-After"]))
        answer = session.get(answer.url, timeout=5)
    return func.HttpResponse(answer.content, status_code=answer.status_code)


@app.route(route="orders", methods=["POST"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    secret = vault().get_secret("orders").value
    connection = pool().getconn()
    try:
        with connection.cursor() as cursor:
            cursor.execute("insert into orders values (%s, %s)", (secret, req.get_body()))
        connection.commit()
    finally:
        pool().putconn(connection)
    return func.HttpResponse(json.dumps({"saved": True}), status_code=201)
