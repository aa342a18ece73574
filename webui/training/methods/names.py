"""What the methods are called and which fields of a run they read, for the page. Loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from webui.core.model_file import ModelKind
from webui.core.work.training_run import NETWORK, Goal, Method, TrainingRun

ADAPTER = ("rank", "alpha", "dropout", "train_unet", "train_text", "block_rates", "start_from")
CONVOLUTIONS = ("conv_rank", "conv_alpha")
# Fields of all runs that one method alone reads.
ONLY_OF: Mapping[str, str] = MappingProxyType(
    {
        "class_prompt": "dreambooth",
        "class_pictures": "dreambooth",
        "sample_embedding": "textual_inversion",
    }
)
# What kind of file a method gives, where it is no LoRA.
KINDS: Mapping[str, ModelKind] = MappingProxyType(
    {
        "textual_inversion": ModelKind.EMBEDDING,
        "hypernetwork": ModelKind.HYPERNETWORK,
        "dreambooth": ModelKind.CHECKPOINT,
        "finetune": ModelKind.CHECKPOINT,
        "controlnet": ModelKind.CONTROLNET,
    }
)


@dataclass(frozen=True, slots=True)
class TitledMethod:
    """A choice with words for people."""

    name: str
    title: str
    about: str


METHODS: tuple[TitledMethod, ...] = (
    TitledMethod(
        "lora", "LoRA", "Small changes of attention. The usual choice: quick, small files, for everything."
    ),
    TitledMethod("locon", "LoCon", "A LoRA that changes convolutions too: better at styles and textures."),
    TitledMethod("loha", "LoHa", "More detail in a file of a LoRA's size; learns more slowly."),
    TitledMethod("lokr", "LoKr", "The smallest files."),
    TitledMethod(
        "dora", "DoRA", "A LoRA that learns lengths apart from directions: closer to full training."
    ),
    TitledMethod(
        "textual_inversion", "Embedding", "A new word for what the checkpoint can nearly draw already."
    ),
    TitledMethod("hypernetwork", "Hypernetwork", "A1111's old way to teach a style."),
    TitledMethod("dreambooth", "DreamBooth", "The whole checkpoint learns one thing and keeps its class."),
    TitledMethod("finetune", "Fine-tune", "The whole checkpoint learns from many captioned pictures."),
    TitledMethod("controlnet", "ControlNet", "A network that follows hints: pairs of hint and picture."),
)
GOALS: tuple[TitledMethod, ...] = (
    TitledMethod("character", "Character", "A person or figure, wherever it stands."),
    TitledMethod("style", "Style", "A look, whatever is shown in it."),
    TitledMethod("object", "Object", "A thing."),
    TitledMethod("concept", "Anything else", "An idea, a pose, a kind of picture."),
)
OWN_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lora": ADAPTER,
        "locon": (*ADAPTER, *CONVOLUTIONS),
        "loha": (*ADAPTER, *CONVOLUTIONS),
        "lokr": (*ADAPTER, *CONVOLUTIONS, "factor"),
        "dora": (*ADAPTER, *CONVOLUTIONS),
        "textual_inversion": ("vectors", "init_text", "start_from"),
        "hypernetwork": ("layers", "activation", "layer_norm", "dropout", "start_from"),
        "dreambooth": ("train_unet", "train_text", "block_rates", "as_lora", "rank", "alpha"),
        "finetune": ("train_unet", "train_text", "block_rates"),
        "controlnet": ("start_from",),
    }
)
assert {each.name for each in METHODS} == set(get_args(Method)) == set(OWN_FIELDS)
assert {each.name for each in GOALS} == set(get_args(Goal))


def kind_of(run: TrainingRun) -> ModelKind:
    """The kind of file that a run makes."""
    if run.method == "dreambooth" and run.as_lora:
        return ModelKind.LORA
    return KINDS.get(run.method, ModelKind.LORA)


def fields_of(method: str) -> list[str]:
    """The fields of a run that a method reads, in their order."""
    own = set(OWN_FIELDS[method])
    found: list[str] = []
    for name, field in TrainingRun.model_fields.items():
        extra = field.json_schema_extra
        section = extra.get("section") if isinstance(extra, dict) else None
        if section is None or (section == NETWORK and name not in own):
            continue
        if method != ONLY_OF.get(name, method):
            continue
        if name == "text_rate" and "train_text" not in own:
            continue
        found.append(name)
    return found
