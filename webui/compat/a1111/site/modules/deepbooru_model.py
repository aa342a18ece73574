# pyright: basic
"""The network of A1111's tagger, which is not ours."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

DeepDanbooruModel = StandIn(
    "modules.deepbooru_model.DeepDanbooruModel",
    "deepbooru.model.tag(picture) tags with the tagger of the settings.",
)


def __getattr__(name):
    absent("modules.deepbooru_model", name)
