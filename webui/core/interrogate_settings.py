"""How pictures are described for A1111's two buttons; keys are A1111's where it has the option."""

from pydantic import Field

from webui.core.image_options import Number
from webui.core.settings_section import Section


class Interrogate(Section):
    """Interrogate. The page draws this section itself."""

    interrogate_captioner: str = Field(
        default="",
        max_length=1000,
        title="Captioner of Interrogate CLIP",
        description="The name of its folder. Empty: the first that is there.",
    )
    interrogate_clip_num_beams: int = Field(
        default=1,
        ge=1,
        le=16,
        title="Captions: beams",
        description="How many beginnings are followed. More are slower and more careful.",
    )
    interrogate_clip_min_length: int = Field(
        default=24, ge=1, le=128, title="Captions: least length", description="In tokens. Of BLIP."
    )
    interrogate_clip_max_length: int = Field(
        default=48, ge=1, le=256, title="Captions: most length", description="In tokens. Of BLIP."
    )
    interrogate_tagger: str = Field(
        default="",
        max_length=1000,
        title="Tagger of Interrogate DeepBooru",
        description="The name of its folder. Empty: the first that is there.",
    )
    interrogate_deepbooru_score_threshold: Number = Field(
        default=0.5, ge=0, le=1, title="Tags: threshold", description="Tags with a lower score are left out."
    )
    interrogate_character_score_threshold: Number = Field(
        default=0.85,
        ge=0,
        le=1,
        title="Tags: threshold of characters",
        description="The same for names of characters.",
    )
    interrogate_return_ranks: bool = Field(
        default=False, title="Tags: write scores", description="As weights: (tag:0.932)."
    )
    deepbooru_sort_alpha: bool = Field(
        default=True, title="Tags: sort by alphabet", description="When off, the highest score comes first."
    )
    deepbooru_use_spaces: bool = Field(
        default=True, title="Tags: spaces", description="Write spaces instead of underscores."
    )
    deepbooru_escape: bool = Field(
        default=True,
        title="Tags: escape brackets",
        description="Write brackets so that they do not weigh words in prompts.",
    )
    deepbooru_filter_tags: str = Field(
        default="", max_length=20_000, title="Tags to leave out", description="With commas between them."
    )
