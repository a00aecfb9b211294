from time import sleep as pause

import requests as http


class Transport:
    def __init__(self, url: str) -> None:
        self.url = url
        self.session = http.Session()

    def load(self, path: str) -> str:
        return self.session.get(self.url + path, timeout=5).text  # fault: blocking-call


def back_off(attempt: int) -> None:
    pause(2**attempt)  # fault: blocking-call
