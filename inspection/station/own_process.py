"""A function in a process of its own: a maker's library that hangs or crashes takes nothing with it.

`python -m inspection.station.own_process MODULE:FUNCTION TIMEOUT_S`, with the keyword arguments as JSON on
standard input, as `ask` and `asked` start it; each answer comes as a line of JSON.
"""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from importlib import import_module
from itertools import takewhile
from threading import Event, Timer
from typing import Any

from inspection.errors import InspectionError, expected

START_S = 15.0
"""How much longer the process may live: it has to load its libraries first."""


def ask(function: str, *, what: str, timeout_s: float, given: Mapping[str, Any]) -> Any:
    """What MODULE:FUNCTION answers to the keywords `given`; `what` names the work where it fails.

    Raises InspectionError with the function's own error, or when it crashes or is late.
    """
    with closing(asked(function, what=what, timeout_s=timeout_s, given=given)) as answers:
        return next(answers)


def asked(
    function: str, *, what: str, timeout_s: float, given: Mapping[str, Any]
) -> Generator[Any]:
    """What MODULE:FUNCTION answers one after another, where it is a generator; ended where nobody asks on.

    `timeout_s` is for all of them. Raises InspectionError as `ask`.
    """
    longest_s = timeout_s + START_S
    words = [sys.executable, "-m", __name__, function, str(longest_s + 2.0)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(  # noqa: S603  our own module
        words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        late = Event()

        def end() -> None:
            late.set()
            process.kill()

        watchdog = Timer(longest_s, end)
        watchdog.start()
        try:
            with suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(json.dumps(dict(given)).encode())
            for line in takewhile(lambda line: line.endswith(b"\n"), process.stdout):
                answer = json.loads(line)
                if "error" in answer:
                    raise InspectionError(answer["error"])
                yield answer["answer"]
            code = process.wait()
            if late.is_set():
                raise InspectionError(
                    f"{what}: no answer in {longest_s:.0f} s; its library or device hangs"
                )
            if code != 0:
                raise InspectionError(f"{what}: its library ended the program ({code})")
        finally:
            watchdog.cancel()
            process.kill()


def main() -> None:
    """Do one function, and end however it hangs; libraries that print do not disturb the answer."""
    function, timeout_s = sys.argv[1:]
    faulthandler.dump_traceback_later(float(timeout_s), exit=True)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, _, name = function.partition(":")
    try:
        found = getattr(import_module(module), name)(**json.load(sys.stdin))
        for each in found if isinstance(found, Iterator) else (found,):
            print(json.dumps({"answer": each}), file=answers, flush=True)
    except Exception as error:  # all of them are told to whoever asked
        kind = "" if expected(error) else f"{type(error).__name__}: "
        text = kind + " ".join(str(error).split())
        print(json.dumps({"error": text}), file=answers, flush=True)
    os._exit(0)  # some libraries hang when they are unloaded


if __name__ == "__main__":
    main()
