"""Ten thousand malformed inputs of what is read without a port: files, lines, answers of a PLC, codes."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

import cv2
import numpy as np
import pytest

from cameras import ImageFileError, decode_image
from inspection.errors import InspectionError, RecipeError, SetupError
from inspection.outside import Door
from inspection.plant.outputs import output_class
from inspection.plant.outputs._plc_handshake import Handshake
from inspection.plant.triggers import trigger_class
from inspection.plant.worker import Worker
from inspection.recipe import open_recipe
from inspection.recipe.recipe_file import ARRAYS, PROGRAM, SETTINGS, SUMS, _archive
from inspection.recipe.setup_file import read_setup
from inspection.station.code_reader import CodeReader
from inspection.station.station_file import read_station
from tests.attack.conftest import MESSAGES
from tests.attack.mutate import mutated
from tests.plant.conftest import Plant, free_port, wait_until

pytestmark = pytest.mark.slow
AT_ONCE, PATIENCE_S = 10, 200.0
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_serial_line(figures: Any, caplog: pytest.LogCaptureFixture) -> None:
    kind: Any = trigger_class("serial_line")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    ours, theirs = pty.openpty()
    plant = Plant()
    trigger = kind(port=os.ttyname(theirs), pattern=r"(?P<product>\w+);(?P<serial>.+)")
    trigger.open(plant)
    try:
        sent, began = 0, time.monotonic()
        for data in mutated([b"flange;A-17", b"a;b;c", b"\x02flange;A\x03"], MESSAGES, seed=11):
            line = data.replace(b"\r", b"").replace(b"\n", b"").replace(b"\x03", b"")[:2000] + b"\n"
            os.write(ours, line)
            sent += 1
        os.write(ours, b"flange;the last\n")
        wait_until(
            lambda: plant.requests and plant.requests[-1].serial == "the last", "the last line"
        )
        trigger.check()
        assert len(caplog.records) <= time.monotonic() - began + 2
    finally:
        trigger.close()
        os.close(ours)
        os.close(theirs)
    figures(
        f"serial line: {sent} malformed lines, {len(plant.requests)} triggers, {trigger.refused} refused"
    )


class MadPlc:
    """A peer whose answers are nonsense."""

    def __init__(self, answers: Any, greeting: list[bytes]) -> None:
        self.port, self.sent, self._connections = free_port(), 0, 0
        self._answers, self._greeting = answers, greeting
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=50)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether all was sent."""
        return self._over.is_set()

    def _serve(self) -> None:
        self._listening.settimeout(0.2)
        while not self._over.is_set():
            with suppress(OSError):
                line, _ = self._listening.accept()
                with line:
                    line.settimeout(0.02)
                    self._answer(line)

    def _answer(self, line: socket.socket) -> None:
        """Answer as a PLC for a while, then with nonsense, and hang up at once: no waiting for more."""
        self._connections += 1
        for good in self._greeting[: self._connections % (len(self._greeting) + 1)]:
            if not line.recv(4096):
                return
            line.sendall(good)
        if not line.recv(4096):
            return
        data = next(self._answers, None)
        if data is None:
            self._over.set()
            return
        self.sent += 1
        line.sendall(data)

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._listening.close()


@pytest.mark.parametrize("name", ["s7", "modbus_client"])
def test_a_plc_that_answers_nonsense(
    name: str, figures: Any, caplog: pytest.LogCaptureFixture
) -> None:
    kind: Any = output_class(name)
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    plant, began = Plant(), time.monotonic()
    settings = {"host": "127.0.0.1", "poll_s": 0.001, "reconnect_s": 0.001}
    if name == "s7":
        answers = [
            bytes.fromhex(each)
            for each in (
                "0300001611d00001000100c0010ac1020100c2020102",
                "0300001b02f08032030000000000080000 0000f0000001000100f0",
                "0300001b02f080320300000001000200060000 0401ff04001000 00",
            )
        ]
        settings |= {"db": 5}
    else:
        answers = [
            bytes.fromhex(each)
            for each in ("000100000004010101 03", "00010000000401 0304", "000100000003018302")
        ]
        settings |= {"timeout_s": 0.005}
    links = []
    for number in range(AT_ONCE):
        inputs = mutated(answers, MESSAGES // AT_ONCE, seed=100 + number)
        mad = MadPlc(inputs, answers[:2])
        links.append((kind(port=mad.port, **settings), mad))
    try:
        _attack(links, plant)
    finally:
        for _, mad in links:
            mad.close()
    sent = sum(mad.sent for _, mad in links)
    assert sent >= MESSAGES
    said = [each for each in caplog.records if each.name == "inspection.outside"]
    assert len(said) <= AT_ONCE * (time.monotonic() - began + 2)
    figures(f"{name}: {sent} malformed answers, {len(plant.requests)} triggers")


def _attack(links: list[Any], plant: Plant) -> None:
    """Have each link poll until all is answered: what it raises is an OutputError, whatever comes."""
    workers = []
    for output, _ in links:
        output._station = plant
        output._io, output._connected, output.door = RLock(), False, Door(output.name)
        output._handshake, output._begun, output._taken = Handshake(output.name), None, False
        output._changed, output._shown, output._product_number = False, True, None
        output._beat_at = 0.0
        workers.append(Worker("mad", output._watch))
    for worker in workers:
        worker.start()
    end = time.monotonic() + PATIENCE_S
    while not all(mad.over for _, mad in links) and time.monotonic() < end:
        for worker in workers:
            worker.check()
        time.sleep(0.05)
    for worker, (output, _) in zip(workers, links, strict=True):
        worker.check()
        worker.stop()
        output._hang_up()


def test_station_and_set_up_files(tmp_path: Path, figures: Any) -> None:
    read = refused = 0
    for name, reader in (("station.toml", read_station), ("setup.toml", read_setup)):
        seeds = [path.read_bytes() for path in EXAMPLES.glob(f"*{name}")]
        seeds = seeds or [
            b'product = "flange"\nscale_mm_per_px = 0.25\nroi = [[1, 2], [3, 4], [5, 9]]\n'
        ]
        path = tmp_path / name
        for data in mutated(seeds, MESSAGES // 2, seed=13):
            path.write_bytes(data)
            try:
                reader(path)  # type: ignore[operator]
                read += 1
            except SetupError as error:
                assert "\n" not in str(error)
                refused += 1
    figures(f"toml: {read + refused} malformed files, {refused} refused in one line")


def test_recipes(recipe: Any, tmp_path: Path, figures: Any) -> None:
    """Hashes made anew, so that what is behind them is reached; the program is not loaded here."""
    content = recipe.members()
    small = dict.fromkeys(PROGRAM, b"<net/>")
    content = {name: content[name] for name in (SETTINGS, ARRAYS)} | small
    settings = json.loads(content[SETTINGS])
    settings["references"] = []
    content[SETTINGS] = json.dumps(settings).encode()
    path = tmp_path / "a.recipe"
    opened = refused = 0
    inside = {name: mutated([content[name]], MESSAGES // 4, seed=14) for name in (SETTINGS, ARRAYS)}
    for name, data in ((name, data) for name, each in inside.items() for data in each):
        changed = {**content, name: data}
        changed[SUMS] = "".join(
            f"{hashlib.sha256(each).hexdigest()}  {member}\n" for member, each in changed.items()
        ).encode()
        opened, refused = _opened(path, _archive(changed), opened, refused)
    content[SUMS] = "".join(
        f"{hashlib.sha256(each).hexdigest()}  {member}\n" for member, each in content.items()
    ).encode()
    for data in mutated([_archive(content)], MESSAGES // 2, seed=15):
        opened, refused = _opened(path, data, opened, refused)
    assert refused > MESSAGES // 2
    figures(f"recipes: {opened + refused} malformed files, {refused} refused in one line")


def _opened(path: Path, data: bytes, opened: int, refused: int) -> tuple[int, int]:
    path.write_bytes(data)
    try:
        open_recipe(path)
    except RecipeError as error:
        assert len(str(error).splitlines()) == 1
        return opened, refused + 1
    return opened + 1, refused


def test_pictures(line: Any, capfd: pytest.CaptureFixture[str]) -> None:
    image = cv2.resize(cv2.cvtColor(line.good(0), cv2.COLOR_RGB2BGR), (96, 96))
    seeds = [
        cv2.imencode(suffix, image)[1].tobytes()
        for suffix in (".jpg", ".png", ".tif", ".bmp", ".webp")
    ]
    whole = refused = 0
    for data in mutated(seeds, MESSAGES, seed=16):
        try:
            decoded = decode_image(data, "a")
        except ImageFileError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
        else:
            assert decoded.dtype == np.uint8
            whole += 1
    said = [each for each in capfd.readouterr().err.splitlines() if "Corrupt JPEG" in each]
    assert said == []  # what libjpeg would say of a picture that was judged
    with capfd.disabled():
        print(f"\n  pictures: {whole + refused} damaged, {refused} refused")


def test_codes(figures: Any) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    chance = np.random.default_rng(17)
    texts = ["A-17", "9" * 200, "\x1d0112345", "x" * 1500, "ü" * 50]
    drawn = []
    for text in texts:
        with suppress(Exception):
            code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
            drawn.append(np.asarray(code.to_image(scale=2)))
    assert len(drawn) >= 3
    reader = CodeReader(
        formats=("QRCode", "DataMatrix", "Code128"), region=None, pattern="(?P<serial>.+)"
    )
    read, longest = 0, 0
    for number in range(MESSAGES):
        picture = drawn[number % len(drawn)].copy()
        picture = picture[: 200 + number % 50, : 200 + number % 30]
        spots = chance.integers(0, picture.size, 1 + number % 400)
        picture.reshape(-1)[spots] = chance.integers(0, 256, len(spots), dtype=np.uint8)
        with suppress(InspectionError):
            found = reader.read(picture)
            read += found is not None
            longest = max(longest, 0 if found is None else len(found.text))
    assert longest <= 1000
    figures(
        f"codes: {MESSAGES} damaged pictures of codes, {read} read, the longest {longest} characters"
    )
