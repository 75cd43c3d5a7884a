"""Threads of an output or trigger: their failure reaches whoever checks, and they end when asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Event, Thread, current_thread
from typing import Any, TypeVar

from inspection.errors import InspectionError
from inspection.plant.outputs.base import OutputError

T = TypeVar("T")
STOP_TIMEOUT_S = 10.0


class Worker:
    """A thread that does `work(stop)` until `stop` is set; what it raised comes out of `check`.

    `error` is the kind of error that its owner promises: OutputError, TriggerUnavailable.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Event], None],
        *,
        error: type[InspectionError] = OutputError,
    ) -> None:
        self.name, self._work, self._error = name, work, error
        self._stop, self._failure = Event(), ""
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin the work."""
        self._thread.start()

    @property
    def failed(self) -> bool:
        """Whether the work ended by an error."""
        return bool(self._failure)

    def check(self) -> None:
        """Raise `error` if the work ended by itself."""
        if self._failure:
            raise self._error(
                f"{self.name}: its thread ended: {self._failure}; restart the station"
            )

    def stop(self) -> None:
        """End the work and wait for its end. Raises `error` when it does not end."""
        self._stop.set()
        if self._thread.ident is None or self._thread is current_thread():
            return
        self._thread.join(STOP_TIMEOUT_S)
        if self._thread.is_alive():
            raise self._error(f"{self.name}: its thread did not end in {STOP_TIMEOUT_S:g} s")

    def _run(self) -> None:
        try:
            self._work(self._stop)
        except Exception as error:  # raised for the next sender by `check`
            self._failure = f"{type(error).__name__}: {error}"


class LoopThread:
    """An asyncio loop in a thread of its own, for libraries that speak asyncio only."""

    def __init__(self, name: str, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.name = name
        self.loop = loop or asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], *, timeout_s: float) -> T:
        """Run `work` in the loop and return its result. Raises TimeoutError and what the work raises."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def check(self) -> None:
        """Raise OutputError if the loop ended by itself."""
        if not self._thread.is_alive():
            raise OutputError(f"{self.name}: its loop ended; restart the station")

    def finish(self, name: str, work: Coroutine[Any, Any, None], *, timeout_s: float) -> None:
        """Do the last `work`, then end the loop whatever came of it. Raises OutputError when late."""
        try:
            self.run(work, timeout_s=timeout_s)
        except TimeoutError as error:
            raise OutputError(f"output {name}: did not close within {timeout_s:g} s") from error
        finally:
            self.stop()

    def stop(self) -> None:
        """Cancel what still runs, then end loop and thread."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self.loop).result(STOP_TIMEOUT_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_TIMEOUT_S)
        self.loop.close()


async def _cancel_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
