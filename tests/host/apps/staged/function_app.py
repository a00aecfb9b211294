"""
An app whose workers wait while they import it.

The n-th worker to start prints ``staged n`` and goes on once the file STAGES/n is there; ``fail`` in that file makes
its import fail.
"""

import os
import time
from pathlib import Path

import azure.functions as func

STAGES = Path(os.environ["STAGES"])


def take_number():
    number = 1
    while True:
        try:
            (STAGES / f"taken-{number}").touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


NUMBER = take_number()
print("staged", NUMBER, flush=True)
while not (STAGES / str(NUMBER)).exists():
    time.sleep(0.01)
if (STAGES / str(NUMBER)).read_text() == "fail":
    raise RuntimeError(f"stage {NUMBER} fails")

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("number")
def number(req: func.HttpRequest) -> str:
    return str(NUMBER)
