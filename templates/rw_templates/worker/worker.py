"""Does something every few seconds until it is told to stop."""

import signal
import threading
import time

STOPPED = threading.Event()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: STOPPED.set())
    print("Hello from rw: the worker is up", flush=True)
    while not STOPPED.wait(5):
        print(f"worked at {time.strftime('%H:%M:%S')}", flush=True)
    print("the worker ends", flush=True)


if __name__ == "__main__":
    main()
