"""The function app: every function is registered here and lives in ``blueprints``."""

import azure.functions as func

from blueprints import fetch, health, identity, probe, workload

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for module in (health, workload, fetch, probe, identity):
    app.register_functions(module.blueprint)
