# pyright: basic
"""Tags of pictures, by the tagger of the settings."""

import os
import re

from PIL import Image

from webui.compat.a1111.facades import picture_networks
from webui.compat.a1111.facades.stand_ins import StandIn, absent

__all__ = ["Image", "os", "re"]

re_special = re.compile(r"([\\()])")


class DeepDanbooru:
    """A1111's tagger; ours is loaded when it tags."""

    def __init__(self):
        self.model = StandIn(
            "modules.deepbooru.model.model",
            "deepbooru.model.tag(picture) tags; its network is the tagger of the settings.",
        )

    def load(self) -> None:
        """Nothing to do."""

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def tag(self, pil_image):
        """The tags of a picture, with commas between them. Raises WebuiError."""
        return picture_networks.describe(pil_image, picture_networks.TAGS)

    def tag_multi(self, pil_image, force_disable_ranks=False):
        """The same; with their scores where the settings want them, unless that is switched off."""
        tags = self.tag(pil_image)
        return re.sub(r"\((.+?):[\d.]+\)", r"\1", tags) if force_disable_ranks else tags


model = DeepDanbooru()


def __getattr__(name):
    absent("modules.deepbooru", name)
