"""FastAPI inside Functions: its ``def`` endpoints run on anyio's 40 threads, not on those of the worker."""

import azure.functions as func
from web.endpoints import api

app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
