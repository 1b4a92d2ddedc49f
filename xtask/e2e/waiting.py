"""Waits for something to become true, with a limit, and never for a fixed time."""

import threading
import time

_NEVER = threading.Event()


def until(what: str, ready, limit: float = 10.0):
    """Calls `ready` until its answer is truthy, and returns that answer."""
    deadline = time.monotonic() + limit
    while True:
        answer = ready()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit} s: {what}")
        _NEVER.wait(0.01)
