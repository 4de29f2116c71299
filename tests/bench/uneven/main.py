"""Answers as unevenly as real services do: long tails, pauses of its own, and a dependency that fails all at once now and then."""

import os
import random
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MEDIAN_SECONDS, SIGMA = 0.02, 0.8
FAILED = 0.003
PAUSE_EVERY_SECONDS, PAUSE_SECONDS = 11.0, 0.4
"""A collector of garbage, say: nobody is answered meanwhile, of this replica alone."""
AWAY_EVERY_SECONDS, AWAY_SECONDS, AWAY_FAILED = 41.0, 2.0, 0.05
"""What all releases depend on: by the clock that they share."""
running = threading.Event()
running.set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        running.wait()
        time.sleep(random.lognormvariate(0, SIGMA) * MEDIAN_SECONDS)
        is_away = time.time() % AWAY_EVERY_SECONDS < AWAY_SECONDS
        self.send_response(500 if random.random() < (AWAY_FAILED if is_away else FAILED) else 200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


def pauses() -> None:
    while True:
        time.sleep(random.expovariate(1 / PAUSE_EVERY_SECONDS))
        running.clear()
        time.sleep(PAUSE_SECONDS)
        running.set()


threading.Thread(target=pauses, daemon=True).start()
server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
