"""What several programs compute alike is computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openvino


def merge_equal(models: Sequence[openvino.Model]) -> Callable[[Any], Any]:
    """Let all models look at the first's canvas, and take from one node what several compute alike.

    Nodes are alike that do the same to the same inputs: two recipes on one network run it once, and its
    weights are kept once. Returns what says which output now stands for one of before.
    """
    canvas = models[0].get_parameters()[0]
    known: dict[Hashable, Any] = {}
    instead: dict[tuple[str, int], Any] = {}
    for model in models:
        for node in model.get_ordered_ops():
            kind = node.get_type_name()
            if kind == "Result":
                continue
            first = canvas if kind == "Parameter" else known.setdefault(_alike(node), node)
            if first.get_name() == node.get_name():
                continue
            for ours, theirs in zip(first.outputs(), node.outputs(), strict=True):
                instead[_place(theirs)] = ours
                for into in theirs.get_target_inputs():
                    into.replace_source_output(ours)
    return lambda output: instead.get(_place(output), output)


def _place(output: Any) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _alike(node: Any) -> Hashable:
    """What a node is: its kind, its settings, and where its inputs come from."""
    kind = node.get_type_info()
    if node.get_type_name() == "Constant":
        content = hashlib.blake2b(node.data.tobytes(), digest_size=16).digest()
        return "Constant", str(node.get_element_type()), str(node.get_output_shape(0)), content
    sources = [port.get_source_output() for port in node.inputs()]
    return (
        f"{kind.version_id} {kind.name}",
        str(sorted(node.get_attributes().items())),
        tuple(map(_place, sources)),
    )
