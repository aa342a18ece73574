# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

DDIMSampler = name_class("ldm.models.diffusion.ddim.DDIMSampler")
globals().update(
    name_each(
        "ldm.models.diffusion.ddim",
        classes=[],
        functions=[
            "extract_into_tensor",
            "make_ddim_sampling_parameters",
            "make_ddim_timesteps",
            "noise_like",
        ],
    )
)


def __getattr__(name):
    absent("ldm.models.diffusion.ddim", name)
