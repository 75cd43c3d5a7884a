"""A function in a process of its own: a maker's library that hangs or crashes takes nothing with it.

`python -m inspection.station.own_process MODULE:FUNCTION TIMEOUT_S`, with the keyword arguments as JSON on
standard input, as `ask` starts it; the answer comes as JSON.
"""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from inspection.errors import InspectionError, expected

START_S = 15.0
"""How much longer the process may live: it has to load its libraries first."""


def ask(function: str, *, what: str, timeout_s: float, given: Mapping[str, Any]) -> Any:
    """What MODULE:FUNCTION answers to the keywords `given`; `what` names the work where it fails.

    Raises InspectionError with the function's own error, or when it crashes or is late.
    """
    longest_s = timeout_s + START_S
    words = [sys.executable, "-m", __name__, function, str(longest_s + 2.0)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(  # noqa: S603  our own module
            words, input=json.dumps(dict(given)).encode(), env=environment, timeout=longest_s,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InspectionError(
            f"{what}: no answer in {longest_s:.0f} s; its library or device hangs"
        ) from None
    if done.returncode != 0:
        raise InspectionError(f"{what}: its library ended the program ({done.returncode})")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise InspectionError(answer["error"])
    return answer["answer"]


def main() -> None:
    """Do one function, and end however it hangs; libraries that print do not disturb the answer."""
    function, timeout_s = sys.argv[1:]
    faulthandler.dump_traceback_later(float(timeout_s), exit=True)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, _, name = function.partition(":")
    try:
        found = {"answer": getattr(import_module(module), name)(**json.load(sys.stdin))}
    except Exception as error:  # all of them are told to whoever asked
        kind = "" if expected(error) else f"{type(error).__name__}: "
        found = {"error": kind + " ".join(str(error).split())}
    with answers:
        json.dump(found, answers)
    os._exit(0)  # some libraries hang when they are unloaded


if __name__ == "__main__":
    main()
