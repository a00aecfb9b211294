from shop.transport import Transport, back_off


class ReportService:
    def __init__(self, url: str) -> None:
        self.transport = Transport(url)

    async def build(self, number: str) -> str:
        for attempt in range(3):
            text = self.transport.load(f"/reports/{number}")
            if text:
                return text
            back_off(attempt)
        return ""
