"""Where networks are taught and pictures judged: the processor, or a graphics card that is there.

`cuda` teaches on NVIDIA's card by torch, `gpu` judges on Intel's by OpenVINO; `auto` takes what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from models.base import ModelError

CPU = "cpu"


def training_devices(name: str) -> tuple[str, str]:
    """torch's device that teaches, and OpenVINO's that judges what was taught.

    Raises ModelError for an unknown name, and for a card that is not there.
    """
    if name not in ("auto", CPU, "cuda", "gpu"):
        raise ModelError(f"device '{name}': unknown; allowed: auto, cpu, cuda, gpu")
    teaches = _there(name if name != "gpu" else CPU, _cuda)
    return "cuda" if teaches else CPU, judging_device(name if name != "cuda" else CPU)


def judging_device(name: str) -> str:
    """OpenVINO's device. Raises ModelError for another name, and where there is no such card."""
    if name not in ("auto", CPU, "gpu"):
        raise ModelError(f"device '{name}': pictures are not judged on it; allowed: auto, cpu, gpu")
    return "GPU" if _there(name, _gpu) else "CPU"


def processor_name() -> str:
    """The processor and OpenVINO's version, where it can be used here. Raises what OpenVINO raises."""
    import openvino

    name = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    return f"{name}, OpenVINO {openvino.__version__[:9]}"


def _there(name: str, found: Callable[[], bool]) -> bool:
    if name == CPU:
        return False
    if not (there := found()) and name != "auto":
        raise ModelError(
            f"device '{name}': there is none on this machine that can be used; use cpu, or auto"
        )
    return there


def _cuda() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def _gpu() -> bool:
    import openvino

    return any(each.partition(".")[0] == "GPU" for each in openvino.Core().available_devices)
