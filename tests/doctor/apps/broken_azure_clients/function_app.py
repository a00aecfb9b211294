"""The sync clients of Azure and OpenAI in async handlers; they are shared, so only the waiting is wrong."""

import os

import azure.functions as func
from azure.cosmos import CosmosClient
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from openai import AzureOpenAI

from storage import container

app = func.FunctionApp()
credential = DefaultAzureCredential()
orders = CosmosClient(os.environ["COSMOS"], credential).get_database_client("shop").get_container_client("orders")
vault = SecretClient(os.environ["VAULT"], credential)
model = AzureOpenAI(azure_endpoint=os.environ["OPENAI"], api_version="2025-03-01-preview")


@app.route(route="orders/{id}")
async def order(req: func.HttpRequest) -> func.HttpResponse:
    key = req.route_params["id"]
    found = orders.read_item(key, partition_key=key)  # fault: blocking-call
    blob = container().get_blob_client(found["file"])
    content = blob.download_blob().readall()  # fault: blocking-call
    name = blob.blob_name.replace("/", "-")
    return func.HttpResponse(content, headers={"x-name": name})


@app.route(route="answer")
async def answer(req: func.HttpRequest) -> func.HttpResponse:
    token = credential.get_token("https://cognitiveservices.azure.com/.default")  # fault: blocking-call
    secret = vault.get_secret("prompt")  # fault: blocking-call
    completion = model.chat.completions.create(  # fault: blocking-call
        model="gpt", messages=[{"role": "user", "content": secret.value.replace("x", token.token)}]
    )
    return func.HttpResponse(completion.choices[0].message.content)
