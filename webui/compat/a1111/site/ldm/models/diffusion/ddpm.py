# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

LatentDiffusion = name_class("ldm.models.diffusion.ddpm.LatentDiffusion")
LatentInpaintDiffusion = name_class("ldm.models.diffusion.ddpm.LatentInpaintDiffusion")
LatentDepth2ImageDiffusion = name_class("ldm.models.diffusion.ddpm.LatentDepth2ImageDiffusion")
DDPM = name_class("ldm.models.diffusion.ddpm.DDPM")
DiffusionWrapper = name_class("ldm.models.diffusion.ddpm.DiffusionWrapper")
ImageEmbeddingConditionedLatentDiffusion = name_class(
    "ldm.models.diffusion.ddpm.ImageEmbeddingConditionedLatentDiffusion"
)
globals().update(
    name_each(
        "ldm.models.diffusion.ddpm",
        classes=[
            "AutoencoderKL",
            "DDIMSampler",
            "DiagonalGaussianDistribution",
            "IdentityFirstStage",
            "LatentFinetuneDiffusion",
            "LatentUpscaleDiffusion",
            "LatentUpscaleFinetuneDiffusion",
            "LitEma",
        ],
        functions=[
            "count_params",
            "default",
            "disabled_train",
            "exists",
            "extract_into_tensor",
            "instantiate_from_config",
            "isimage",
            "ismap",
            "log_txt_as_img",
            "make_beta_schedule",
            "mean_flat",
            "noise_like",
            "normal_kl",
            "uniform_on_device",
        ],
    )
)


def __getattr__(name):
    absent("ldm.models.diffusion.ddpm", name)
