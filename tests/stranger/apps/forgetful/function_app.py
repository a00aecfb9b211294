"""A package that requirements.txt forgets, and that functune itself has."""

import azure.functions as func
import numpy

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("mean")
def mean(req: func.HttpRequest) -> str:
    return str(numpy.mean([1, 2]))
