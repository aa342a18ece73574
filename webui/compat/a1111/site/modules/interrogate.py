# pyright: basic
"""Sentences on pictures, by the captioner of the settings."""

from collections import namedtuple
from pathlib import Path

from webui.compat.a1111.facades import picture_networks
from webui.compat.a1111.facades.stand_ins import StandIn, absent
from webui.core.errors import WebuiError

Category = namedtuple("Category", ["name", "topn", "items"])
blip_image_eval_size = 384
clip_model_name = "ViT-L/14"
NETWORK = "shared.interrogator.interrogate(picture) describes; its network is the captioner of the settings."


def category_types():
    return []


def download_default_clip_interrogate_categories(content_dir) -> None:
    """Nothing to do: sentences need no lists of words."""


class InterrogateModels:
    """A1111's interrogator; the captioner is loaded when it describes."""

    blip_model = None
    clip_model = None
    clip_preprocess = None
    dtype = None
    running_on_cpu = False

    def __init__(self, content_dir=None):
        self.content_dir = Path(content_dir) if content_dir else None
        self.loaded_categories = None
        self.skip_categories = []

    def categories(self):
        return []

    def load(self) -> None:
        """Nothing to do."""

    def unload(self) -> None:
        """Nothing to do."""

    def send_clip_to_ram(self) -> None:
        """Nothing to do."""

    def send_blip_to_ram(self) -> None:
        """Nothing to do."""

    def generate_caption(self, pil_image):
        """A sentence on a picture. Raises WebuiError."""
        return picture_networks.describe(pil_image, picture_networks.CLIP)

    def interrogate(self, pil_image):
        """The same; what went wrong where nothing could be said, as A1111 puts it."""
        try:
            return self.generate_caption(pil_image)
        except WebuiError as error:
            return f"<error> {error}"

    load_blip_model = load_clip_model = StandIn("InterrogateModels.load_clip_model", NETWORK)
    rank = similarity = StandIn("InterrogateModels.rank", NETWORK)


def __getattr__(name):
    absent("modules.interrogate", name)
