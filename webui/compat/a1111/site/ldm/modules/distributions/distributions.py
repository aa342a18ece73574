# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_function

DiagonalGaussianDistribution = name_class(
    "ldm.modules.distributions.distributions.DiagonalGaussianDistribution"
)
normal_kl = name_function("ldm.modules.distributions.distributions.normal_kl")


def __getattr__(name):
    absent("ldm.modules.distributions.distributions", name)
