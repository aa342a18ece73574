# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

AutoencoderKL = name_class("ldm.models.autoencoder.AutoencoderKL")
VQModel = name_class("ldm.models.autoencoder.VQModel")
VQModelInterface = name_class("ldm.models.autoencoder.VQModelInterface")
IdentityFirstStage = name_class("ldm.models.autoencoder.IdentityFirstStage")
globals().update(
    name_each(
        "ldm.models.autoencoder",
        classes=["Decoder", "DiagonalGaussianDistribution", "Encoder", "LitEma"],
        functions=["instantiate_from_config"],
    )
)


def __getattr__(name):
    absent("ldm.models.autoencoder", name)
