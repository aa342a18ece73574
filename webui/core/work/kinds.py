"""Every kind of work that the queue takes, and those that are no more than a few words."""

from typing import Literal

from pydantic import Field

from webui.core.request import GenerationRequest
from webui.core.request_parts import Frozen
from webui.core.work.caption_request import CaptionRequest
from webui.core.work.extras_request import ExtrasRequest
from webui.core.work.series import Series
from webui.core.work.training_create import TrainingCreateRequest
from webui.core.work.training_run import TrainingRun
from webui.core.work.training_sample import TrainingSampleRequest


class DecodeRequest(Frozen):
    """Decode pictures of a kept batch; their infotext and names are those of `generation`, the request
    that made them.

    `vae` is as in GenerationRequest. `indexes` are places in the run; empty: all of the batch.
    """

    latent: str = Field(min_length=1)
    generation: GenerationRequest
    vae: str = "Automatic"
    indexes: tuple[int, ...] = ()


class ModelsRequest(Frozen):
    """Free the memory of all networks, or load the selected checkpoint: A1111's `unload-checkpoint` and
    `reload-checkpoint`.
    """

    action: Literal["unload", "load"]


WorkRequest = (
    GenerationRequest
    | DecodeRequest
    | ExtrasRequest
    | Series
    | ModelsRequest
    | TrainingRun
    | TrainingSampleRequest
    | TrainingCreateRequest
    | CaptionRequest
)
