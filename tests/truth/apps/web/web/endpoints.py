import time

from fastapi import FastAPI

from web.rates import current_rate

api = FastAPI()


@api.get("/api/report")  # limit: pool of /api/report
def report() -> dict[str, str]:
    time.sleep(0.05)
    return {"report": "done"}


@api.get("/api/rate")
async def rate() -> dict[str, float]:
    return {"rate": current_rate()}
