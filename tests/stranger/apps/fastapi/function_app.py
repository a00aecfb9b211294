"""FastAPI in Functions, from an environment of its own."""

import azure.functions as func
import fastapi

api = fastapi.FastAPI()


@api.get("/api/items/{number}")
def item(number: int) -> dict[str, int]:
    return {"number": number}


app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
