"""What is asked for when a kept latent becomes pictures again."""

from pydantic import Field

from webui.core.request import GenerationRequest
from webui.core.request_parts import Frozen


class DecodeRequest(Frozen):
    """Decode pictures of a kept batch; their infotext and names are those of `generation`, the request
    that made them.

    `vae` is as in GenerationRequest. `indexes` are places in the run; empty: all of the batch.
    """

    latent: str = Field(min_length=1)
    generation: GenerationRequest
    vae: str = "Automatic"
    indexes: tuple[int, ...] = ()
