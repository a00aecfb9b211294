import os

import requests

SESSION = requests.Session()


class Calendar:
    async def free_rooms(self) -> int:
        return self._rooms() - 1

    def _rooms(self) -> int:
        url = os.environ["PARTNER_URL"] + "/quick"
        answer = SESSION.get(url, timeout=10)  # limit: event_loop_blocked of /api/availability
        return len(answer.content)
