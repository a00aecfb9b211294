import azure.functions as func
import httpx
import requests
from azure.cosmos import CosmosClient  # fault: requirement-forgotten

from money import Amount

try:
    import orjson as json
except ImportError:
    import json

app = func.FunctionApp()
client = CosmosClient.from_connection_string("")


@app.route(route="total")
def answer(req: func.HttpRequest) -> func.HttpResponse:
    import flask  # fault: requirement-forgotten

    body = json.dumps({"total": 1, "amount": Amount(1), "page": flask.render_template_string("")})
    return func.HttpResponse(body + requests.get("https://a.example").text + httpx.get("https://b.example").text)
