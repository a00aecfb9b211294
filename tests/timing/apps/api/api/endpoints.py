import time

import numpy as np
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

api = FastAPI()
MATRIX = np.random.default_rng(1).random((500, 500))


@api.get("/report")  # here: report
def report() -> dict[str, str]:
    time.sleep(1.0)
    return {"report": "done"}


def export() -> str:
    time.sleep(1.0)  # here: export-in-thread
    return "done"


@api.get("/export")
async def exported() -> dict[str, str]:
    return {"export": await run_in_threadpool(export)}  # here: export


@api.get("/matrix")
def matrix() -> dict[str, float]:
    return {"trace": float((MATRIX @ MATRIX).trace())}  # here: matrix
