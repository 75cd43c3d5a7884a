"""Every image model of anomalib: which of ours it is, or why it is not here.

Read from anomalib 2.7.0, 2026-11. One that a newer anomalib brings is listed as new, and a test fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

OURS = {
    "cfa": "cfa",
    "cflow": "cflow",
    "csflow": "csflow",
    "dfkde": "dfkde",
    "dfm": "dfm",
    "dinomaly": "dinomaly",
    "draem": "draem",
    "efficient_ad": "efficient_ad",
    "fastflow": "fastflow",
    "fre": "fre",
    "ganomaly": "ganomaly",
    "inp_former": "inp_former",
    "l2bt": "l2bt",
    "mh_patchcore": "patchcore",
    "padim": "padim",
    "patchcore": "patchcore",
    "patchflow": "patchflow",
    "reverse_distillation": "reverse_distillation",
    "stfpm": "stfpm",
    "supersimplenet": "supersimplenet",
    "uflow": "uflow",
    "uninet": "uninet",
}
"""anomalib's folder, and the model of ours that is the method: its adapter, or own code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A model of anomalib that cannot be trained here, and what to do instead."""

    name: str
    about: str
    family: str
    why: str
    licence: str = "Apache-2.0 (anomalib)"
    patent: str | None = None


def _memory_of(network: str) -> str:
    return (
        f"no adapter; near it is --model patchcore --backbone {network} --weights FILE, a memory on the same network's "
        "patches"
    )


NOT_TAKEN = (
    NotTaken(
        name="anomaly_dino",
        about="Memory of DINOv2's patches.",
        family="memory of features",
        why=_memory_of("vit_small_patch14_dinov2"),
    ),
    NotTaken(
        name="rad",
        about="Memory of DINOv3's patches, of the good pictures most like the one judged.",
        family="memory of features",
        why=_memory_of("vit_base_patch16_dinov3"),
    ),
    NotTaken(
        name="super_add",
        about="Memory of DINOv3's patches of overlapping tiles.",
        family="memory of features",
        why=_memory_of("vit_small_patch16_dinov3"),
    ),
    NotTaken(
        name="general_ad",
        about="A discriminator with attention on a transformer's patches, taught on disturbed ones.",
        family="adversarial",
        why="no adapter yet: it takes square pictures only; near it are --model discriminator and supersimplenet",
    ),
    NotTaken(
        name="glass",
        about="A discriminator of features, taught on noise along its gradient and on textures drawn in.",
        family="adversarial",
        why="no adapter yet: it draws in DTD's textures, for research only; near are --model supersimplenet, draem",
    ),
    NotTaken(
        name="foundad",
        about="A projector on DINOv2's patches that undoes pasted cuts.",
        family="reconstruction",
        why="no adapter yet; near it are --model dinomaly and l2bt, on the same network",
    ),
    NotTaken(
        name="dsr",
        about="Pictures rebuilt through two quantised codes, one taught on good parts alone.",
        family="reconstruction",
        why=(
            "no adapter yet: it needs its authors' codes (vq_model_pretrained_128_4096.pckl) and is taught in stages; "
            "near it is --model draem"
        ),
    ),
    NotTaken(
        name="anomalyvfm",
        about="A vision foundation model that was taught what defects look like elsewhere.",
        family="zero-shot",
        why="it cannot be taught on good parts, and its code asks a hub for its weights each time it is made",
    ),
    NotTaken(
        name="winclip",
        about="CLIP's pictures and words for good and damaged.",
        family="zero-shot",
        why="it learns nothing from good parts but a few pictures, and needs open_clip with CLIP's weights from a hub",
    ),
    NotTaken(
        name="vlm_ad",
        about="A language model is asked whether a picture shows a defect.",
        family="zero-shot",
        why="it has no score to set a limit by, and needs a language model's server beside the station or on the net",
    ),
    NotTaken(
        name="cfm",
        about="Features of a picture and of a point cloud foretold from each other.",
        family="student–teacher",
        why="it judges pictures with point clouds; cameras here bring pictures alone",
    ),
)


def not_taken() -> list[NotTaken]:
    """Those of the installed anomalib that are no model of ours by the same name."""
    known = {each.name: each for each in NOT_TAKEN}
    own = {
        name: NotTaken(
            name=name,
            about="This program's own code, with its own calibration.",
            family="the same",
            why=f"use --model {model}, this program's own code for it",
            licence="this program's",
        )
        for name, model in OURS.items()
        if not _adapts(model)
    }
    return [
        known.get(name) or own.get(name) or _new(name)
        for name in installed()
        if name in known or name in own or name not in OURS
    ]


def installed() -> list[str]:
    """The folders of the installed anomalib's image models, without importing it; none without anomalib."""
    found = find_spec("anomalib")
    if found is None or found.origin is None:
        return []
    folders = (Path(found.origin).parent / "models" / "image").glob("*/__init__.py")
    return sorted(each.parent.name for each in folders)


def _adapts(model: str) -> bool:
    from models import model_class
    from models._anomalib_model import AnomalibModel

    return issubclass(model_class(model), AnomalibModel)


def _new(name: str) -> NotTaken:
    return NotTaken(
        name=name,
        about="New in this anomalib.",
        family="not known",
        why="this program was written before it and has no adapter; see the manual, Add a model",
    )
