"""Checkpoints to begin with, for whoever has only the Starter. Nobody is asked before one is chosen.

Sizes and licences are those that their repositories tell, as several public lists of models repeat them.
"""

from pydantic import BaseModel, ConfigDict

from webui.core.model_file import Family

HUB = "https://huggingface.co"


class FirstModel(BaseModel):
    """A checkpoint that anybody can fetch without an account; `page` tells of it. `size` is bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    family: Family
    size: int
    licence: str
    about: str
    link: str
    page: str


def on_hub(
    repo: str, file: str, name: str, family: Family, size: int, licence: str, about: str
) -> FirstModel:
    """A file of a repository of Hugging Face."""
    page = f"{HUB}/{repo}"
    return FirstModel(
        name=name,
        family=family,
        size=size,
        licence=licence,
        about=about,
        link=f"{page}/resolve/main/{file}",
        page=page,
    )


FIRST_MODELS = (
    on_hub(
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "v1-5-pruned-emaonly.safetensors",
        "Stable Diffusion 1.5",
        Family.SD1,
        4_265_146_304,
        "CreativeML Open RAIL-M",
        "The original, 512x512. Runs on small cards, and slowly on a processor.",
    ),
    on_hub(
        "Lykon/DreamShaper",
        "DreamShaper_8_pruned.safetensors",
        "DreamShaper 8",
        Family.SD1,
        2_132_625_894,
        "CreativeML Open RAIL-M",
        "A favourite made from 1.5, for paintings, fantasy and portraits.",
    ),
    on_hub(
        "stabilityai/stable-diffusion-xl-base-1.0",
        "sd_xl_base_1.0.safetensors",
        "Stable Diffusion XL base",
        Family.SDXL,
        6_938_078_334,
        "CreativeML Open RAIL++-M",
        "Larger and better, 1024x1024. Wants a card with 8 GB.",
    ),
    on_hub(
        "RunDiffusion/Juggernaut-XL-v9",
        "Juggernaut-XL_v9_RunDiffusionPhoto_v2.safetensors",
        "Juggernaut XL 9",
        Family.SDXL,
        7_105_348_188,
        "CreativeML Open RAIL-M",
        "A favourite made from XL, for photographs.",
    ),
)
