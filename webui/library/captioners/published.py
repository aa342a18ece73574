"""Captioners that anybody can fetch without an account. Nobody is asked before one is chosen.

Sizes and licences are those that their repositories tell; sizes are rounded.
"""

from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from webui.library.captioners.captioner import CaptionerSort, weights_name

HUB = "https://huggingface.co"
# Names of files that are fetched where a repository has them; no other is, whatever it offers.
TAGGER_FILES = ("model.onnx", "selected_tags.csv")
SENTENCE_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)


class PublishedCaptioner(BaseModel):
    """A repository of Hugging Face with a captioner; `size` is bytes, about."""

    model_config = ConfigDict(frozen=True)

    repo: str
    sort: CaptionerSort
    size: int
    licence: str
    about: str
    revision: str = "main"

    @property
    def name(self) -> str:
        """What its folder is called."""
        return self.repo.partition("/")[2]

    @property
    def page(self) -> str:
        """The page that tells of it."""
        return f"{HUB}/{self.repo}"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of files that belong to it."""
        return TAGGER_FILES if self.sort.is_tagger else SENTENCE_FILES

    @property
    def needed_files(self) -> tuple[str, ...]:
        """Those without which it is no captioner."""
        return TAGGER_FILES if self.sort.is_tagger else ("config.json", weights_name(self.sort))

    def link_to(self, file: str) -> str:
        """The link of one of its files."""
        return f"{self.page}/resolve/{self.revision}/{file}"


PUBLISHED = (
    PublishedCaptioner(
        repo="Salesforce/blip-image-captioning-base",
        sort=CaptionerSort.BLIP,
        size=990_000_000,
        licence="BSD-3-Clause",
        about="A short sentence. Quick, also on a processor.",
    ),
    PublishedCaptioner(
        repo="Salesforce/blip-image-captioning-large",
        sort=CaptionerSort.BLIP,
        size=1_880_000_000,
        licence="BSD-3-Clause",
        about="A short sentence, more precise than the smaller one's.",
    ),
    PublishedCaptioner(
        repo="florence-community/Florence-2-base",
        sort=CaptionerSort.FLORENCE2,
        size=470_000_000,
        licence="MIT",
        about="A sentence or a whole paragraph. Small and good.",
    ),
    PublishedCaptioner(
        repo="florence-community/Florence-2-large",
        sort=CaptionerSort.FLORENCE2,
        size=1_560_000_000,
        licence="MIT",
        about="The same, more precise. Wants a graphics card.",
    ),
    PublishedCaptioner(
        repo="SmilingWolf/wd-vit-tagger-v3",
        sort=CaptionerSort.WD_TAGGER,
        size=379_000_000,
        licence="Apache-2.0",
        about="Danbooru's tags, for drawings. The quickest of these.",
    ),
    PublishedCaptioner(
        repo="SmilingWolf/wd-swinv2-tagger-v3",
        sort=CaptionerSort.WD_TAGGER,
        size=467_000_000,
        licence="Apache-2.0",
        about="Danbooru's tags, for drawings. What most people use.",
    ),
    PublishedCaptioner(
        repo="SmilingWolf/wd-eva02-large-tagger-v3",
        sort=CaptionerSort.WD_TAGGER,
        size=1_260_000_000,
        licence="Apache-2.0",
        about="Danbooru's tags, for drawings. The most precise, and slow on a processor.",
    ),
)
BY_REPO = MappingProxyType({each.repo: each for each in PUBLISHED})
# In which folder below models/ a fetched one is put.
HOMES = MappingProxyType(
    {CaptionerSort.BLIP: "BLIP", CaptionerSort.FLORENCE2: "Captioners", CaptionerSort.WD_TAGGER: "WD"}
)
