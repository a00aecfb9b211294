import requests


class Gateway:
    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def post(self, body: bytes) -> bytes:
        return self.session.post(self.url, data=body, timeout=10).content
