import hashlib


async def digest(number: str) -> str:
    return Vault().sealed(number)


class Vault:
    def sealed(self, number: str) -> str:
        sealed = hashlib.pbkdf2_hmac(
            "sha256", number.encode(), b"salt", 25_000
        )  # limit: event_loop_busy of /api/passport
        return sealed.hex()
