"""From what page and station tell to the tables of the health screen; the same are copied as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspection.judgement import Verdict
from inspection.station.troubles import not_judged
from ui.core.panel import Cell, shown
from ui.core.wording import Wording

SECTIONS = (
    "station", "parts", "recipes", "cameras", "latencies", "queues", "outputs", "storage", "processes"
)  # fmt: skip
"""The tables there are, in their order on the screen."""
FATES = ("sent", "complete", "incomplete", "missed", "backpressure", "unsupported")
STAGES = ("wait", "acquire", "judge", "store", "answer", "total")
QUANTILES = ("p50", "p95", "p99")
QUEUES = ("inbox", "pictures", "decided", "owed")
WELL = ("Ready", "SingleExecution")
TAKING = ("IDLE", "ACQUIRING")


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a line; well: True in order, False needs somebody, None neither."""

    cells: Sequence[str | Cell]
    well: bool | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One table. Its first row of names may be empty texts."""

    title: str
    head: Sequence[str]
    rows: Sequence[Row]


def as_text(sections: Mapping[str, Section], at: str) -> str:
    """Write the tables as text, columns apart by tabs, for a mail."""
    blocks = [
        "\n".join(
            [
                section.title,
                *(["\t".join(section.head)] if any(section.head) else []),
                *("\t".join(map(shown, row.cells)) for row in section.rows),
            ]
        )
        for section in sections.values()
    ]
    return "\n\n".join([at, *blocks]) + "\n"


class Figures:
    """The tables of one moment, in one language."""

    def __init__(self, found: Mapping[str, Any], wording: Wording) -> None:
        self.found, self.status, self.say = found, found["status"], wording.say
        self.wording, self.number = wording, wording.number

    def sections(self) -> dict[str, Section]:
        """All tables; without a status only what the page knows itself."""
        own = {"storage": self._storage(), "processes": self._processes()}
        if self.status is None:
            return {"station": self._gone(), **own}
        return {
            "station": self._station(),
            "parts": self._parts(),
            "recipes": self._recipes(),
            "cameras": self._cameras(),
            "latencies": self._latencies(),
            "queues": self._queues(),
            "outputs": self._outputs(),
            **own,
        }

    def _gone(self) -> Section:
        state = Row([self.say("admin.state"), self.say("admin.state_gone")], well=False)
        return Section(self.say("admin.station"), ["", ""], [state, *self._page_rows()])

    def _page_rows(self) -> list[Row]:
        up = self._since(self.found["page"]["started_ms"])
        connections = self.number(self.found["page"]["connections"])
        return [
            Row([self.say("admin.page_up"), up]),
            Row([self.say("admin.connections"), connections]),
        ]

    def _cell(self, value: float | None, digits: int = 0, unit: str = "") -> Cell:
        return Cell(value, self.number(value, digits, unit))

    def _since(self, ms: float) -> str:
        return self.wording.duration((self.found["at_ms"] - ms) / 1000)

    def _station(self) -> Section:
        status, say, said = self.status, self.say, self.wording.said
        since = say(
            "admin.since",
            time=self.wording.moment(status["state_since_ms"] / 1000),
            duration=self._since(status["state_since_ms"]),
        )
        code = status["error_code"]
        error, page = say("admin.code_0"), self.found["page"]["version"]
        if code:
            error = f"{said(f'admin.code_{code}', str(code))}: {status['error']}"
        same = status["version"] == page
        version = status["version"]
        if not same:
            version = say("admin.version_differs", page=page, station=version)
        state = said(f"admin.state_{status['state']}", status["state"])
        rows = [
            Row([say("admin.name"), status["station"]]),
            Row(
                [say("admin.state"), say("admin.paused") if status["paused"] else state],
                well=status["state"] in WELL,
            ),
            Row(["", since]),
            Row([say("admin.error"), error], well=False if code else None),
            Row([say("admin.product"), status["product"] or "–"]),
            Row([say("admin.version"), version], well=None if same else False),
            Row([say("admin.station_up"), self._since(status["started_ms"])]),
            *self._page_rows(),
        ]
        return Section(say("admin.station"), ["", ""], rows)

    def _parts(self) -> Section:
        status, number = self.status, self.number
        counted = {
            "triggers": status["triggers"],
            "answers": status["answers"],
            "in_flight": status["triggers"] - status["answers"],
            **{f"verdict_{name}": status["verdicts"].get(name, 0) for name in Verdict},
        }
        rows = [Row([self.say(f"admin.{name}"), number(value)]) for name, value in counted.items()]
        return Section(self.say("admin.parts_since_start"), ["", ""], [*rows, self._not_judged()])

    def _not_judged(self) -> Row:
        """How many of the latest parts could not be inspected, and why most of them."""
        recent = self.status["not_judged"]
        n = sum(each["n"] for each in recent["reasons"])
        said = self.say("admin.n_of", n=self.number(n), of=self.number(recent["of"]))
        if recent["reasons"]:
            code = recent["reasons"][0]["code"]
            said += f": {self.wording.said(f'causes.{code}', code)}"
        well = False if any(not_judged(recent)) else None
        return Row([self.say("admin.not_judged"), said], well=well)

    def _recipes(self) -> Section:
        rows = []
        for view, each in self.status["parity"].items():
            known = each["difference"] is not None
            text = self.wording.parity(each) if known else self.say("admin.not_known")
            far = known and each["difference"] > each["tolerance"]
            rows.append(Row([view, each["recipe_id"][:12], text], well=False if far else None))
        head = [self.say(f"admin.{name}") for name in ("view", "recipe_id", "parity")]
        return Section(self.say("admin.recipes"), head, rows)

    def _cameras(self) -> Section:
        cameras, say = self.status["cameras"], self.say
        states = [self.status["camera_states"][view] for view in cameras]
        texts = [self.wording.said(f"admin.camera_{state}", state) for state in states]
        holds = [sum(each[fate] for fate in FATES[1:]) == each["sent"] for each in cameras.values()]
        rows = [
            Row([say("admin.state"), *texts], well=all(state in TAKING for state in states)),
            *(
                Row([say(f"admin.{fate}"), *(self.number(each[fate]) for each in cameras.values())])
                for fate in FATES
            ),
            Row(
                [
                    say("admin.adds_up"),
                    *(say("admin.yes") if each else say("admin.no") for each in holds),
                ],
                well=all(holds),
            ),
        ]
        return Section(say("admin.cameras"), ["", *cameras], rows)

    def _latencies(self) -> Section:
        latencies = self.status["latency_ms"]
        rows = [
            Row(
                [
                    self.say(f"admin.stage_{stage}"),
                    *(self._cell(latencies.get(stage, {}).get(each), 1) for each in QUANTILES),
                ]
            )
            for stage in STAGES
        ]
        return Section(self.say("admin.latencies"), [self.say("admin.stage"), *QUANTILES], rows)

    def _queues(self) -> Section:
        rows = []
        for name in QUEUES:
            count, most = self.status["queues"][name], self.status["room"].get(name)
            text = self.number(count)
            if most:
                text = self.say("admin.queue_of", count=text, most=self.number(most))
            full = bool(most) and count >= most
            rows.append(Row([self.say(f"admin.queue_{name}"), text], well=False if full else None))
        return Section(self.say("admin.queues"), ["", ""], rows)

    def _outputs(self) -> Section:
        waiting, problems = self.status["outbox"], self.status["outputs"]
        rows = [
            Row(
                [name, self._cell(waiting.get(name, 0)), problems.get(name) or self.say("admin.fine")],
                well=False if problems.get(name) else None,
            )
            for name in sorted({*waiting, *problems})
        ]  # fmt: skip
        head = [self.say(f"admin.{name}") for name in ("output", "waiting", "problem")]
        nothing = [Row([self.say("admin.no_outputs"), "", ""])]
        return Section(self.say("admin.outputs"), head, rows or nothing)

    def _storage(self) -> Section:
        disk, record = (self.status or {}).get("disk") or {}, self.found["record"]
        floor, free = disk.get("floor_gb"), disk.get("free_gb")
        low = floor is not None and free is not None and free < floor
        shown_floor = self.say("admin.no_floor") if floor is None else self.number(floor, 1, "GB")
        rows = [
            Row([self.say("admin.parts_recorded"), self.number(record["parts"])]),
            Row([self.say("admin.record_size"), self.number(record["size_mb"], 1, "MB")]),
            Row([self.say("admin.disk_free"), self.number(free, 1, "GB")], well=False if low else None),
            Row([self.say("admin.disk_floor"), shown_floor]),
            Row([self.say("admin.retention"), self._kept(self.found["retention"])]),
        ]  # fmt: skip
        return Section(self.say("admin.storage"), ["", ""], rows)

    def _kept(self, rules: Mapping[str, Any] | None) -> str:
        if rules is None:
            return self.say("admin.keep_all")
        days, every = rules["rejects_days"], rules["keep_every"]
        rejects = (
            self.say("admin.keep_rejects_always")
            if days is None
            else self.say("admin.keep_rejects", days=self.number(days))
        )
        passes = (
            self.say("admin.keep_passes_all")
            if every is None
            else self.say("admin.keep_passes", every=self.number(every))
        )
        return f"{rejects} · {passes}"

    def _processes(self) -> Section:
        rows = [
            Row(
                [
                    self.say(f"admin.process_{name}"),
                    self._cell(each["memory_mb"], 0, "MB"),
                    self._cell(each["cpu_percent"], 1, "%"),
                    self._cell(each["threads"]),
                ]
            )
            for name, each in (("station", self.found["runtime"]), ("page", self.found["page"]))
        ]
        head = [self.say(f"admin.{name}") for name in ("process", "memory", "cpu", "threads")]
        return Section(self.say("admin.processes"), head, rows)
