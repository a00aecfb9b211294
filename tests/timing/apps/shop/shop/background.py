import threading
import time


def poll():
    while True:
        time.sleep(0.05)


def start():
    threading.Thread(target=poll, daemon=True).start()
