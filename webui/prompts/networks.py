"""The networks that a prompt names: `<lora:name:0.8>`, `<lyco:...>`, `<hypernet:name:1>`, as A1111 1.10.1."""

import math
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from webui.prompts.syntax import ExtraNetwork, lift_networks

LORA_KINDS = ("lora", "lyco")
HYPERNETWORK_KIND = "hypernet"
READ_HERE = ("te", "unet", "dyn")
Choice = TypeVar("Choice")
_LORA_NAME = re.compile(r"<(lora|lyco):([^:>]+)")


@dataclass(frozen=True, slots=True)
class LoraChoice:
    """A LoRA as it was written: its weights on the text encoder and the U-Net.

    `rank` leaves out all but the first so many of its ranks; None uses them all. `named` and `unknown` are
    the pieces that are not read here: `key=value`, and others behind the weight. Extensions read them into
    `layers`, by which its weights are multiplied where a layer's name in the original code begins so (the
    longest counts; "text" are text encoders), and `steps`, the first and last it is used in, from 1.
    """

    name: str
    text_weight: float = 1.0
    unet_weight: float = 1.0
    rank: int | None = None
    named: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    layers: tuple[tuple[str, float], ...] = ()
    steps: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class HypernetworkChoice:
    """A hypernetwork and its strength."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingChoice:
    """An embedding that lies in memory alone, for prompts with its name.

    `vectors` are tensors (n, width) by the keys of a file: "emb_params", of SDXL "clip_l" and "clip_g".
    `version` tells them from others of that name.
    """

    name: str
    vectors: Mapping[str, Any]
    version: Hashable


@dataclass(frozen=True, slots=True)
class NetworkChoices:
    """What a prompt asks for, in the order in which it is applied, and what was not understood.

    `embeddings` come from extensions; each acts where its name occurs, before a file of that name.
    """

    loras: tuple[LoraChoice, ...] = ()
    hypernetworks: tuple[HypernetworkChoice, ...] = ()
    warnings: tuple[str, ...] = ()
    embeddings: tuple[EmbeddingChoice, ...] = ()


def find_networks(prompt: str) -> NetworkChoices:
    """The networks a prompt names. Those that are not well written are left out with a warning."""
    marks = lift_networks(prompt)[1]
    warnings: list[str] = []
    kinds = dict.fromkeys(mark.kind for mark in marks)
    # A1111 takes all of one spelling before those of the other.
    lora_marks = [mark for kind in kinds if kind in LORA_KINDS for mark in marks if mark.kind == kind]
    loras = [lora for mark in lora_marks if (lora := _read(mark, _lora, warnings)) is not None]
    hypernetworks = [
        found
        for mark in marks
        if mark.kind == HYPERNETWORK_KIND and (found := _read(mark, _hypernetwork, warnings)) is not None
    ]
    warnings += [
        f"<{mark.kind}:{':'.join(mark.arguments)}> was left out: there is no network of the kind "
        f"{mark.kind!r}. LoRAs are written <lora:name:1>, hypernetworks <hypernet:name:1>."
        for mark in marks
        if mark.kind not in (*LORA_KINDS, HYPERNETWORK_KIND)
    ]
    return NetworkChoices(_with_last_weights(loras), tuple(hypernetworks), tuple(dict.fromkeys(warnings)))


def find_loras(marks: Iterable[ExtraNetwork]) -> tuple[LoraChoice, ...]:
    """The LoRAs of marks that are lifted from a prompt. Those that are not well written are left out."""
    loras = [_read(mark, _lora, []) for mark in marks]
    return _with_last_weights(each for each in loras if each is not None)


def names_in(prompt: str) -> tuple[str, ...]:
    """Names of the LoRAs a prompt mentions, each once."""
    return tuple(dict.fromkeys(name for _, name in _LORA_NAME.findall(prompt)))


def add_networks(prompt: str, marks: Iterable[tuple[str, str, float]]) -> str:
    """The prompt with networks (kind, name, weight) added that it does not name itself."""
    choices = find_networks(prompt)
    named = {("lora", each.name) for each in choices.loras}
    named |= {(HYPERNETWORK_KIND, each.name) for each in choices.hypernetworks}
    added = [f"<{kind}:{name}:{weight}>" for kind, name, weight in marks if (kind, name) not in named]
    return prompt + "".join(added)


def rename_networks(prompt: str, names: dict[str, str]) -> str:
    """The prompt with its LoRAs called by other names."""
    return _LORA_NAME.sub(lambda mark: f"<{mark[1]}:{names.get(mark[2], mark[2])}", prompt)


def _with_last_weights(loras: Iterable[LoraChoice]) -> tuple[LoraChoice, ...]:
    """A name written twice is applied twice, both times with the weights written last, as in A1111."""
    found = tuple(loras)
    last = {lora.name: lora for lora in found}
    return tuple(last[lora.name] for lora in found)


def _read(mark: ExtraNetwork, read: Callable[[ExtraNetwork], Choice], warnings: list[str]) -> Choice | None:
    try:
        return read(mark)
    except ValueError:
        written = f"<{mark.kind}:{':'.join(mark.arguments)}>"
        warnings.append(
            f"{written} was left out: a weight in it is no number. Write it as <{mark.kind}:name:0.8>."
        )
        return None


def _lora(mark: ExtraNetwork) -> LoraChoice:
    positional, named = mark.positional, mark.named
    # Block weights are a list, or a name right behind the weight.
    unknown = tuple(
        piece
        for place, piece in enumerate(positional[:4])
        if place > 1 and ("," in piece or (place == 2 and piece[:1].isalpha() and not _is_number(piece)))
    )
    positional = tuple(piece for piece in positional if piece not in unknown)
    text = _number(named.get("te", positional[1] if len(positional) > 1 else "1"))
    unet = _number(named["unet"]) if "unet" in named else text
    if "unet" not in named and len(positional) > 2:
        unet = _number(positional[2])
    rank = named.get("dyn", positional[3] if len(positional) > 3 else None)
    others = tuple((key, value) for key, value in named.items() if key not in READ_HERE)
    return LoraChoice(_name(mark), text, unet, None if rank is None else int(rank), others, unknown)


def _hypernetwork(mark: ExtraNetwork) -> HypernetworkChoice:
    weight = mark.arguments[1] if len(mark.arguments) > 1 else "1"
    return HypernetworkChoice(_name(mark), _number(weight))


def _name(mark: ExtraNetwork) -> str:
    return mark.positional[0] if mark.positional else ""


def _is_number(text: str) -> bool:
    """Whether it is written as one, "nan" and "inf" too."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> float:
    """A finite number. Raises ValueError."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
