"""Waiting with a limit, free ports, and a place for files."""

import os
import random
import shutil
import socket
import tempfile
import time


class TimedOut(Exception):
    pass


def wait_until(condition, timeout_s, what, pause_s=0.05):
    """Returns the condition's first true result; TimedOut names what didn't happen (text or a function)."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimedOut(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(pause_s)


def free_port():
    """A loopback port outside the ephemeral range, so that no outgoing connection takes it before
    the server that it is meant for, also while that server is dead between two kills."""
    for _ in range(200):
        port = random.SystemRandom().randint(15000, 31999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise TimedOut("no free port between 15000 and 31999")


def work_directory(prefix="tapline-lab-"):
    """On /dev/shm when it has 2 GiB free: fsync costs nothing there and no test here measures it. TAPLINE_WORK_IN
    names another place, a real disk say. Traversable, because PostgreSQL runs as another user when we are root."""
    parent = os.environ.get("TAPLINE_WORK_IN")
    try:
        if parent is None and shutil.disk_usage("/dev/shm").free > 2 << 30 and os.access("/dev/shm", os.W_OK):
            parent = "/dev/shm"
    except OSError:
        pass
    path = tempfile.mkdtemp(prefix=prefix, dir=parent)
    os.chmod(path, 0o755)
    return path


def report(text):
    """A figure that a person wants to see although the test passed. CTest keeps a passing test's output
    to itself, so ./test gives a pipe to write to."""
    print(text, flush=True)
    pipe = os.environ.get("TAPLINE_REPORT")
    if pipe:
        try:
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return  # nobody reads any more
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text + "\n")
