"""Calls in threads that nobody has to wait for."""

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


def in_background(call: Callable[[], T], *, thread: str = "diag-asking") -> "Future[T]":
    """What `call` gives or raises, as soon as it does, in a thread of its own with the name `thread`."""
    # Daemon threads: those of a pool are joined at exit, so that one that hangs would hold the process.
    from concurrent.futures import Future

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  it belongs to whoever waits for the result
            future.set_exception(error)

    Thread(target=run, daemon=True, name=thread).start()
    return future
