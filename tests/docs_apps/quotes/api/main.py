from fastapi import FastAPI

from api import exchange

app = FastAPI()


@app.get("/quote/{symbol}")
async def quote(symbol: str) -> dict[str, float]:
    return {symbol: exchange.last_price(symbol)}
