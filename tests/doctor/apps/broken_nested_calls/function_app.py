"""The blocking calls are three modules away from the async handlers."""

import azure.functions as func

from shop import blueprint

app = func.FunctionApp()
app.register_functions(blueprint)
