"""A slow server in the process itself, in place of a partner's API."""

import functools
import socketserver
import threading
import time


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        time.sleep(0.05)
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


@functools.cache
def url():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"
