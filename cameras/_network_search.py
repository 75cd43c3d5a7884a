"""Looks for cameras that speak ONVIF, as most with an RTSP stream do, by WS-Discovery (OASIS 2009, SOAP over UDP).

A camera answers with its name, not with the address of its stream: that needs its password, and its manual.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from urllib.parse import unquote
from uuid import uuid4

import psutil

from cameras.base import Device

GROUP = ("239.255.255.250", 3702)
LOOK_S, MOST, LONGEST = 1.5, 64, 1 << 16
LOOPBACK = "127.0.0.1"
_PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>urn:uuid:{probe}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""
_SCOPES = re.compile(rb"<(?:[\w-]{1,40}:)?Scopes[^>]{0,400}>([^<]{1,8000})<")
_NAMED = re.compile(r"onvif://www\.onvif\.org/(name|hardware)/([^\s/]{1,100})")


def network_cameras(
    group: tuple[str, int] = GROUP, *, cards: Iterable[str] | None = None, look_s: float = LOOK_S
) -> list[Device]:
    """The cameras that answer on any network card within `look_s`; `cards` are own addresses."""
    probe, found = str(uuid4()), dict[str, Device]()
    message = _PROBE.format(probe=probe).encode()
    with ExitStack() as stack:
        asked = [
            stack.enter_context(each)
            for card in (own_addresses() if cards is None else cards)
            if (each := _asked(card, group, message)) is not None
        ]
        end = time.monotonic() + look_s
        while asked and time.monotonic() < end and len(found) < MOST:
            for each in asked:
                with suppress(OSError):  # none yet, or a card that went away
                    answer, (address, _) = each.recvfrom(LONGEST)
                    if probe.encode() in answer:
                        found.setdefault(address, _device(address, answer))
            time.sleep(0.02)
    return list(found.values())


def own_addresses() -> list[str]:
    """The IPv4 address of each network card that is up, without loopback."""
    up = psutil.net_if_stats()
    return [
        each.address
        for name, addresses in psutil.net_if_addrs().items()
        for each in addresses
        if each.family == socket.AF_INET and each.address != LOOPBACK and up[name].isup
    ]


def _asked(card: str, group: tuple[str, int], message: bytes) -> socket.socket | None:
    """A socket on a network card from which everybody there was asked; None where that cannot be."""
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        asked.setblocking(False)
        asked.bind((card, 0))
        asked.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(card))
        asked.sendto(message, group)
    except OSError:
        asked.close()
        return None
    return asked


def _device(address: str, answer: bytes) -> Device:
    scopes = _SCOPES.search(answer)
    text = scopes[1].decode("utf-8", "replace") if scopes else ""
    named = {kind: unquote(value) for kind, value in _NAMED.findall(text)}
    names = dict.fromkeys(named[kind] for kind in ("name", "hardware") if kind in named)
    label = " ".join([*names, f"network camera at {address}"])
    return Device(label=label, settings={"source": f"rtsp://{address}:554/"})
