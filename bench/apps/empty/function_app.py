"""An app without functions, so that only the host and the worker cost start time."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
