import time


def stored() -> int:
    """Unpack a picture into memory, and wait until the storage has its thumbnail."""
    pixels = bytearray(24 << 20)
    pixels[::4096] = b"x" * len(pixels[::4096])
    time.sleep(0.4)
    return len(pixels)
