"""What a family of Stable Diffusion has by rule, where the shapes of its tensors cannot tell."""

from dataclasses import dataclass

from webui.diffusion.latents import LatentFormat
from webui.diffusion.text_encoder import Reading
from webui.library.recognise.dimensions import TextDimensions
from webui.library.recognise.yaml_sidecar import TextSettings

# All CLIP text transformers in use have heads of this size.
TEXT_HEAD_SIZE = 64


@dataclass(frozen=True, slots=True)
class TowerPlan:
    """Of one text encoder: the activation, and how its states are read unless the sidecar says otherwise.

    `reading` is for the layout that holds all layers.
    """

    hidden_act: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class FamilyPlan:
    """Of one family. `unet_heads` None: as many heads as `unet_head_size` goes into the channels.

    `vector_numbers`: how many numbers beside the pooled text the network is told, 0 if it takes no vector.
    """

    unet_heads: int | None
    unet_head_size: int
    towers: tuple[TowerPlan, ...]
    latent_format: LatentFormat
    vector_numbers: int = 0
    has_score: bool = False
    is_probed: bool = False


def text_heads(dimensions: TextDimensions, settings: TextSettings) -> int:
    """Attention heads of a text encoder."""
    return settings.heads or max(1, dimensions.width // TEXT_HEAD_SIZE)


def skipped_layers(reading: Reading, dimensions: TextDimensions, settings: TextSettings) -> int:
    """How many layers at the end are not read: by the sidecar's `layer` (and index), else the family's
    rule.
    """
    match settings.layer:
        case "last" | "pooled":
            return 0
        case "penultimate":
            return 1
        case "hidden" if settings.layer_index is not None:
            # As transformers numbers states: 0 is the embedding, -1 the last layer.
            index = settings.layer_index
            skipped = dimensions.layers - index if index >= 0 else -index - 1
            return min(max(skipped, 0), dimensions.layers - 1)
    return reading.skipped_layers
