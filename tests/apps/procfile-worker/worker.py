import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("worker is up", flush=True)
while True:
    time.sleep(1)
