# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class

AutoencoderKL = name_class("ldm.models.autoencoder.AutoencoderKL")
VQModel = name_class("ldm.models.autoencoder.VQModel")
VQModelInterface = name_class("ldm.models.autoencoder.VQModelInterface")
IdentityFirstStage = name_class("ldm.models.autoencoder.IdentityFirstStage")


def __getattr__(name):
    absent("ldm.models.autoencoder", name)
