"""The maker's library of a camera: loaded only when it is used, its errors become the camera's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from cameras._attempt import Attempt
from cameras._genicam.features import message
from cameras.base import CameraError, CameraLost, CameraUnavailable

T = TypeVar("T")

ANSWER_S = 1.0
"""How long a device may take to answer: a frozen one blocks its library for up to 10 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """The library that `camera` needs.

    `modules` are its modules, the main one first; `errors` what it raises, each as module.Class;
    `packages` what to install, as a sentence names it. The extra has the camera's name.
    """

    camera: str
    packages: str
    modules: tuple[str, ...]
    errors: tuple[str, ...]

    def missing(self) -> str | None:
        """What to install, in one line, or None if it is all there."""
        if all(find_spec(module.partition(".")[0]) for module in self.modules):
            return None
        return f"needs {self.packages}: pip install 'inspection[{self.camera}]'"

    def module(self, name: str = "") -> Any:
        """A module of the library, the main one by default. Raises CameraUnavailable."""
        try:
            return import_module(name or self.modules[0])
        except ImportError as exc:
            raise CameraUnavailable(f"camera {self.camera} {self.missing() or exc}") from exc

    def error_types(self) -> tuple[type[Exception], ...]:
        """The classes of the library's errors."""
        names = (name.rpartition(".") for name in self.errors)
        return tuple(getattr(self.module(module), error) for module, _, error in names)

    @contextmanager
    def raising(
        self, problem: str, error: type[CameraError] = CameraLost, hint: str = ""
    ) -> Iterator[None]:
        """Turn the library's errors into one of ours: the camera, the problem, its message, a hint."""
        try:
            yield
        except self.error_types() as exc:
            raise error(f"camera {self.camera}{problem}: {message(exc)}{hint}") from exc

    def ask(self, what: str, call: Callable[..., T], *arguments: Any) -> T:
        """What a call returns that needs the device's answer. Raises CameraLost without one in time."""
        attempt = Attempt(partial(call, *arguments))
        if not attempt.done(ANSWER_S):
            raise CameraLost(f"camera {self.camera} did not answer {what} in {ANSWER_S:.0f} s")
        with self.raising(f" did not answer {what}"):
            return attempt.result()
