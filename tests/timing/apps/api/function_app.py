"""FastAPI inside of Functions, with `def` endpoints that Starlette runs in anyio's 40 threads, and numpy."""

import azure.functions as func
from api.endpoints import api

app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
