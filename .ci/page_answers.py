"""Start a station with its page, look whether the page answers, and stop it: `page_answers.py STATION.toml`."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

LONGEST_S = 90.0

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
words = [sys.executable, "-m", "inspection", "ui", sys.argv[1], "--port", str(port)]
process = subprocess.Popen(words)  # noqa: S603
try:
    end = time.monotonic() + LONGEST_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                page = answer.read()
            break
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > end:
                sys.exit("the page did not answer")
            time.sleep(0.5)
finally:
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
if b"/session.js" not in page or code != 0:
    sys.exit(f"the page answered {len(page)} bytes; the exit code is {code}")
