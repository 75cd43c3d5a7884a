"""From trigger to PLC answer, at a fixed pace, with memory watched.

    python benchmarks/station.py RECIPE [--rate 20] [--minutes 10] [--size 512] [--views 1]

A simulated camera, a real record on disk, the Modbus output and the PLC simulator of the package.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from inspection.launch import station_at_work
from inspection.plant.triggers.plc_simulator import PlcSimulator
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings

PORT = 15020


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(x for x in lines if x.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--views", type=int, default=1, help="cameras looking at each part")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = StationFile(
            station="bench",
            record=str(Path(folder, "parts.db")),
            views=tuple(
                ViewSettings(
                    name=f"view{number}",
                    camera="simulated",
                    settings={"seed": number, "size_px": options.size, "cache": 50},
                )
                for number in range(options.views)
            ),
            products=(ProductSettings(name="flange", recipe=options.recipe.resolve()),),
            outputs={"modbus_server": {"port": PORT}},
        )
        began = time.perf_counter()
        with station_at_work(settings) as station:
            ready_s = time.perf_counter() - began
            plc = PlcSimulator(port=PORT, period_s=1 / options.rate)
            plc.open(station)
            end, memory = time.monotonic() + 60 * options.minutes, []
            while time.monotonic() < end:
                time.sleep(5)
                memory.append(resident_mb())
            plc.close()
            station.stop()
            station.run()
            found = station.snapshot()
    times = np.array([answer.latency_ms for answer in plc.answers if answer.code])
    minute = memory[min(12, len(memory) - 1)]
    median, p99 = np.percentile(times, [50, 99])
    print(
        json.dumps(
            {
                "triggers": found["triggers"],
                "answers": found["answers"],
                "plc_answers": len(times),
                "plc_unanswered": sum(not answer.code for answer in plc.answers),
                "verdicts": found["verdicts"],
                "codes": dict(Counter(answer.code for answer in plc.answers)),
                "parts_per_s": len(plc.answers) / (60 * options.minutes),
                "trigger_to_answer_ms_p50": median,
                "trigger_to_answer_ms_p99": p99,
                "p99_over_p50": p99 / median,
                "stages_ms": found["latency_ms"],
                "resident_mb_after_a_minute": minute,
                "resident_mb_at_end": memory[-1],
                "growth": memory[-1] / minute - 1,
                "ready_s": ready_s,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
