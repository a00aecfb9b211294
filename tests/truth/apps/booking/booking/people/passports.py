import hashlib


async def digest(number: str) -> str:
    return Vault().sealed(number.encode())


class Vault:
    def sealed(self, number: bytes) -> str:
        key = hashlib.pbkdf2_hmac("sha256", number, b"salt", 25_000)  # limit: event_loop_busy of /api/passport
        return key.hex()
