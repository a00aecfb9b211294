import hashlib
import math
import os

DATA = os.urandom(4 << 20)


def total():
    found = 0
    for number in range(60_000):
        found += number * number % 7  # here: python-cpu loop-cpu
    return str(found)


def checksum():
    return hashlib.sha256(DATA).hexdigest()  # here: hashing


def distances():
    found = {}
    for number in range(20_000):
        found[number % 100] = max(math.sqrt(number), found.get(number % 100, 0.0))  # here: builtin-cpu
    return str(len(found))
