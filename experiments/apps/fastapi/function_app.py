"""The same API inside Azure Functions: one function for every route, on the event loop of the worker."""

import azure.functions as func
from main import app as fastapi_app

app = func.AsgiFunctionApp(app=fastapi_app, http_auth_level=func.AuthLevel.ANONYMOUS)
