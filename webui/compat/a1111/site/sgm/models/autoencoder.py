# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

AutoencoderKL = name_class("sgm.models.autoencoder.AutoencoderKL")
AutoencoderKLInferenceWrapper = name_class("sgm.models.autoencoder.AutoencoderKLInferenceWrapper")
globals().update(
    name_each(
        "sgm.models.autoencoder",
        classes=["AbstractAutoencoder", "AutoencodingEngine", "IdentityFirstStage"],
        functions=[],
    )
)


def __getattr__(name):
    absent("sgm.models.autoencoder", name)
