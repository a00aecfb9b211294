import time


def resized() -> int:
    pixels = bytearray(40 << 20)
    pixels[::4096] = b"x" * len(pixels[::4096])
    time.sleep(0.4)
    return len(pixels)
