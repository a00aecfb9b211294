"""The function app: every function is registered here and lives in ``blueprints``."""

import os

import azure.functions as func

from blueprints import fetch, health, identity, probe, switch_interval, workload

# Once per worker process: each imports this file once, before its first invocation.
switch_interval.apply(switch_interval.read_setting(os.environ))

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for module in (health, workload, fetch, probe, identity):
    app.register_functions(module.blueprint)
