"""The function app: registers every function; the functions are in ``blueprints``."""

import os

import azure.functions as func

import functune_times
from blueprints import fetch, health, identity, probe, switch_interval, workload

# Runs once per worker process: each imports this file once, before its first invocation.
switch_interval.apply(switch_interval.read_setting(os.environ))

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for module in (health, workload, fetch, probe, identity):
    app.register_functions(module.blueprint)

# Has every answer report the times of its call where the app setting FUNCTUNE_TIMES is 1.
functune_times.add_times(app)
