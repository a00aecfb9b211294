import time
import urllib.request

from shop import partner


class Catalogue:
    async def price(self):
        return self._download()

    def _download(self):
        with urllib.request.urlopen(partner.url(), timeout=10) as answer:  # here: blocking-request
            return answer.read()


async def retry():
    await _attempt()
    return "done"


async def _attempt():
    time.sleep(0.03)  # noqa: ASYNC251  # here: blocking-sleep
