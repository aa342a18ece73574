# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each, name_function

timestep_embedding = name_function("ldm.modules.diffusionmodules.util.timestep_embedding")
checkpoint = name_function("ldm.modules.diffusionmodules.util.checkpoint")
conv_nd = name_function("ldm.modules.diffusionmodules.util.conv_nd")
linear = name_function("ldm.modules.diffusionmodules.util.linear")
zero_module = name_function("ldm.modules.diffusionmodules.util.zero_module")
normalization = name_function("ldm.modules.diffusionmodules.util.normalization")
avg_pool_nd = name_function("ldm.modules.diffusionmodules.util.avg_pool_nd")
make_beta_schedule = name_function("ldm.modules.diffusionmodules.util.make_beta_schedule")
make_ddim_timesteps = name_function("ldm.modules.diffusionmodules.util.make_ddim_timesteps")
make_ddim_sampling_parameters = name_function(
    "ldm.modules.diffusionmodules.util.make_ddim_sampling_parameters"
)
noise_like = name_function("ldm.modules.diffusionmodules.util.noise_like")
extract_into_tensor = name_function("ldm.modules.diffusionmodules.util.extract_into_tensor")
GroupNorm32 = name_class("ldm.modules.diffusionmodules.util.GroupNorm32")
betas_for_alpha_bar = name_function("ldm.modules.diffusionmodules.util.betas_for_alpha_bar")
globals().update(
    name_each(
        "ldm.modules.diffusionmodules.util",
        classes=["CheckpointFunction", "HybridConditioner", "SiLU"],
        functions=["instantiate_from_config", "mean_flat", "scale_module", "update_ema"],
    )
)


def __getattr__(name):
    absent("ldm.modules.diffusionmodules.util", name)
