# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class

LatentDiffusion = name_class("ldm.models.diffusion.ddpm.LatentDiffusion")
LatentInpaintDiffusion = name_class("ldm.models.diffusion.ddpm.LatentInpaintDiffusion")
LatentDepth2ImageDiffusion = name_class("ldm.models.diffusion.ddpm.LatentDepth2ImageDiffusion")
DDPM = name_class("ldm.models.diffusion.ddpm.DDPM")
DiffusionWrapper = name_class("ldm.models.diffusion.ddpm.DiffusionWrapper")
ImageEmbeddingConditionedLatentDiffusion = name_class(
    "ldm.models.diffusion.ddpm.ImageEmbeddingConditionedLatentDiffusion"
)


def __getattr__(name):
    absent("ldm.models.diffusion.ddpm", name)
