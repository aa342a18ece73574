# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

PLMSSampler = name_class("ldm.models.diffusion.plms.PLMSSampler")
globals().update(
    name_each(
        "ldm.models.diffusion.plms",
        classes=[],
        functions=["make_ddim_sampling_parameters", "make_ddim_timesteps", "noise_like", "norm_thresholding"],
    )
)


def __getattr__(name):
    absent("ldm.models.diffusion.plms", name)
