import hashlib
import os

DATA = os.urandom(4 << 20)


def total():
    found = 0
    for number in range(60_000):
        found += number * number % 7  # here: python-cpu loop-cpu
    return str(found)


def checksum():
    return hashlib.sha256(DATA).hexdigest()  # here: hashing
