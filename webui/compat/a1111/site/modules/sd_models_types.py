# pyright: basic
"""The class of checkpoints, for annotations."""

from webui.compat.a1111.facades.sd_model import SdModel
from webui.compat.a1111.facades.stand_ins import absent


class WebuiSdModel(SdModel):
    pass


def __getattr__(name):
    absent("modules.sd_models_types", name)
