import urllib.request as web


async def current(item: str) -> bytes:
    with web.urlopen(f"https://prices.example/{item}") as answer:  # fault: blocking-call
        return answer.read()
