import time


def resized() -> int:
    pixels = bytearray(48 << 20)
    pixels[::4096] = b"x" * len(pixels[::4096])
    time.sleep(0.1)
    return len(pixels)
