"""The rates of a bank."""

import os

import requests

_session = requests.Session()
_session.trust_env = False


def current_rate() -> float:
    """Ask the bank."""
    return float(_session.get(os.environ["BANK_URL"], timeout=10).text)
