"""What a recipe may use while a job runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.latents import Latents


@dataclass(frozen=True, slots=True)
class Context:
    """Models, a frozen copy of the settings, and how the job is told to end."""

    models: ModelManager
    upscalers: Upscalers
    inputs: Inputs
    latents: Latents
    settings: Settings
    stop: Stop
    version: str
    clock: Callable[[], float] = field(default=time.monotonic)

    def restore_faces(self, image: Image.Image, name: str, weight: float) -> Image.Image:
        """A picture with its faces restored; see FaceRestorers."""
        return self.upscalers.faces.restore(image, name, weight)
