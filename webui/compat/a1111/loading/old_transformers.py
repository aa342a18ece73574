"""transformers as extensions of before its version 5 know it: with classes that went or are named anew."""

import re
from functools import cache
from types import ModuleType
from typing import Any

from webui.compat.a1111.loading.old_module import OldModule

TRANSFORMERS = "transformers"
AUTO, EXTRACTOR, PROCESSOR = "AutoFeatureExtractor", "FeatureExtractor", "ImageProcessor"
RENAMED = {"AutoModelForVision2Seq": "AutoModelForImageTextToText"}
_USE = re.compile(rf"\b(?:\w+{EXTRACTOR}|{'|'.join(RENAMED)})\b")


def uses_old_classes(source: str) -> bool:
    """Whether a file names what transformers may have no more."""
    return TRANSFORMERS in source and bool(_USE.search(source))


class OldTransformers(OldModule):
    """transformers, with what went: what prepares pictures was called a feature extractor."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it has
        transformers = self._today
        if name == AUTO:
            return make_auto(transformers)
        if hasattr(transformers, name):
            return getattr(transformers, name)
        today = RENAMED.get(name) or (
            name.removesuffix(EXTRACTOR) + PROCESSOR if name.endswith(EXTRACTOR) else name
        )
        return getattr(transformers, today)


@cache
def make_auto(transformers: Any) -> type:  # noqa: ANN401 - the module
    """`AutoFeatureExtractor`, which also read what prepares pictures."""

    class AutoFeatureExtractor(transformers.AutoFeatureExtractor):
        """For sounds as it is; what it does not know is for pictures."""

        @classmethod
        def from_pretrained(cls, place: Any, **given: Any) -> Any:  # noqa: ANN401 - as it is
            """What a folder or repository has. Raises what both raise."""
            try:
                return transformers.AutoFeatureExtractor.from_pretrained(place, **given)
            except ValueError:
                return transformers.AutoImageProcessor.from_pretrained(place, **given)

    return AutoFeatureExtractor


@cache
def old_transformers(transformers: ModuleType) -> ModuleType:
    """The module that stands for transformers in an extension's file."""
    return OldTransformers(transformers)
