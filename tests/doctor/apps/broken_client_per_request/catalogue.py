import httpx


class Catalogue:
    def __init__(self) -> None:
        self.client = httpx.Client(base_url="https://catalogue.example")  # fault: client-per-request

    def first(self) -> str:
        return self.client.get("/first").text
