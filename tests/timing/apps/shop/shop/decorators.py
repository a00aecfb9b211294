import functools
import logging
import time


def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            logging.getLogger("shop").debug("took %f s", time.perf_counter() - start)

    return wrapper
