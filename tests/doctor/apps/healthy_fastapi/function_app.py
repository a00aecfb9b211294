"""FastAPI inside of Functions: its def endpoints run on threads."""

import azure.functions as func

from api.main import web

app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
