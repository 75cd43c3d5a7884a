"""Cameras that answer on the network: a real exchange over UDP, with good answers and bad ones."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from cameras import Device
from cameras._network_search import LOOPBACK, network_cameras, own_addresses
from tests.attack.mutate import mutated

ANSWER = (
    '<e:Envelope><e:Header><w:RelatesTo>{probe}</w:RelatesTo></e:Header><e:Body><d:ProbeMatches><d:ProbeMatch>'
    "<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/X-200 "
    "onvif://www.onvif.org/name/Eye%20One</d:Scopes><d:XAddrs>http://10.0.0.9/onvif/device_service</d:XAddrs>"
    "</d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
)  # fmt: skip
FOUND = Device(
    label=f"Eye One X-200 network camera at {LOOPBACK}",
    settings={"source": f"rtsp://{LOOPBACK}:554/"},
)
Answers = Callable[[bytes], list[bytes]]


@pytest.fixture
def camera() -> Iterator[Callable[[Answers], tuple[str, int]]]:
    """A camera on loopback that answers a probe as told."""
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.bind((LOOPBACK, 0))

    def answering(answers: Answers) -> tuple[str, int]:
        def serve() -> None:
            probe, asker = port.recvfrom(1 << 16)
            (number,) = re.findall(rb"MessageID>(urn:uuid:[^<]+)<", probe)
            for answer in answers(number):
                port.sendto(answer, asker)

        threading.Thread(target=serve, daemon=True).start()
        address: tuple[str, int] = port.getsockname()
        return address

    yield answering
    port.close()


def good(probe: bytes) -> bytes:
    return ANSWER.encode().replace(b"{probe}", probe)


def test_a_camera_that_answers_is_found_once_by_its_name(
    camera: Callable[[Answers], tuple[str, int]],
) -> None:
    group = camera(lambda probe: [b"", b"\xff" * 9000, ANSWER.encode(), good(probe), good(probe)])
    assert network_cameras(group, cards=[LOOPBACK], look_s=0.5) == [FOUND]


def test_a_camera_without_a_name_has_its_address(
    camera: Callable[[Answers], tuple[str, int]],
) -> None:
    group = camera(lambda probe: [probe])
    (found,) = network_cameras(group, cards=[LOOPBACK], look_s=0.3)
    assert found == Device(label=f"network camera at {LOOPBACK}", settings=FOUND.settings)


def test_no_answer_ends_the_search(camera: Callable[[Answers], tuple[str, int]]) -> None:
    group = camera(
        lambda probe: [each[:9000] for each in mutated([good(probe)], count=300, seed=5)]
    )
    for found in network_cameras(group, cards=[LOOPBACK], look_s=0.5):
        assert found.settings == FOUND.settings
        assert len(found.label) < 300


def test_a_card_that_cannot_ask_is_left_out() -> None:
    assert network_cameras(cards=["203.0.113.9", LOOPBACK], look_s=0.1) == []
    assert LOOPBACK not in own_addresses()
