"""An API inside of Azure Functions."""

import azure.functions as func
from api.main import app as api

app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
