# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_each

globals().update(
    name_each(
        "ldm.models.diffusion.sampling_util",
        classes=[],
        functions=["append_dims", "norm_thresholding", "renorm_thresholding", "spatial_norm_thresholding"],
    )
)


def __getattr__(name):
    absent("ldm.models.diffusion.sampling_util", name)
