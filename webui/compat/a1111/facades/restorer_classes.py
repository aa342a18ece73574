"""A1111's face restorers, over ours, and how those of extensions come among ours."""

from typing import Any

import numpy as np
from PIL import Image

from webui.compat.a1111.facades import picture_networks, reaching
from webui.compat.a1111.facades.upscaler_classes import call_safely
from webui.library.catalog.added_networks import AddedRestorer
from webui.library.catalog.upscaler_names import CODEFORMER, GFPGAN, restorer_names

USUAL_WEIGHT = 0.5


class BaseRestorer:
    """What extensions derive theirs from; this one leaves pictures as they are."""

    def name(self) -> str:
        """What pickers show."""
        return "None"

    def restore(self, np_image: Any) -> Any:  # noqa: ANN401 - an array (H, W, 3), RGB, uint8
        """The same picture with its faces restored."""
        return np_image


class OwnRestorer(BaseRestorer):
    """One of our restorers."""

    def __init__(self, name: str) -> None:
        """Of the name that our pickers show."""
        self._name = name

    def name(self) -> str:
        """What pickers show."""
        return self._name

    def restore(self, np_image: Any, w: float | None = None) -> Any:  # noqa: ANN401 - an array (H, W, 3), RGB, uint8
        """By our network; `w` is CodeFormer's weight, the settings' if None. Raises WebuiError."""
        weight = reaching.settings().image.code_former_weight if w is None else w
        image = Image.fromarray(np.asarray(np_image, np.uint8))
        return np.asarray(picture_networks.restore_faces(image, self._name, float(weight)))


def native_restorers() -> list[BaseRestorer]:
    """CodeFormer, GFPGAN and whatever our folders hold, then none at all."""
    ready = reaching.services()
    names = restorer_names(ready.catalog) if ready else [CODEFORMER, GFPGAN]
    added = ready.catalog.added.restorers if ready else {}
    return [*(OwnRestorer(name) for name in names if name not in added), BaseRestorer()]


def as_added(restorer: Any) -> AddedRestorer:  # noqa: ANN401 - an object like BaseRestorer
    """An extension's restorer as our lists and runs take it."""

    def restore(image: Image.Image, weight: float) -> Image.Image:
        del weight
        return Image.fromarray(np.asarray(restorer.restore(np.asarray(image)), np.uint8))

    name = str(restorer.name())
    return AddedRestorer(name, call_safely(restore, restorer.restore, name))
