"""A student and its teacher: where a taught copy of the backbone disagrees with it.

Wang et al., "Student-teacher feature pyramid matching for anomaly detection", BMVC 2021; the network and the loss are
anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import STUDENT_TEACHER, Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class Stfpm(AnomalibModel):
    """Disagreement of a student with its teacher, which it was taught to imitate on good pictures."""

    name = "stfpm"
    family = "student–teacher"
    needs = Needs(at_most=True, minutes=2.43, memory_mb=1750)
    patent = STUDENT_TEACHER
    learning_rate = 4e-3

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """Two copies of the backbone: one with its weights, one to teach."""
        from anomalib.models.image.stfpm.anomaly_map import AnomalyMapGenerator
        from anomalib.models.image.stfpm.torch_model import STFPMModel
        from torch import nn

        class Model(STFPMModel):  # type: ignore[misc]
            """anomalib's, without asking a hub for the teacher."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.tiler = None
                self.backbone = backbone.name
                self.teacher_model = extractor(backbone)
                self.student_model = extractor(backbone, taught=False)
                self.anomaly_map_generator = AnomalyMapGenerator()

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How far the student is from its teacher, over all places."""
        from anomalib.models.image.stfpm.loss import STFPMLoss

        found: torch.Tensor = STFPMLoss()(*network(x))
        return found
