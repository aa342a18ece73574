"""From a layer's tensors in a LoRA file to what they do to its weight and bias."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from webui.diffusion.adapters.weight_changes import (
    Decomposed,
    Difference,
    Factor,
    GeneralLoRA,
    Hadamard,
    InputRotation,
    Kronecker,
    LowRank,
    Rescaling,
    Rotation,
    TuckerLoRA,
    WeightChange,
)

KERNEL_AXES, MATRIX_AXES = 4, 2
Parts = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class LayerChange:
    """What is done to a layer's weight and to its bias; None where nothing is."""

    weight: WeightChange | None = None
    bias: WeightChange | None = None


def read_change(parts: Parts, outputs: int) -> LayerChange | None:
    """The change that a layer's tensors describe; None if they are of no known kind.

    `outputs` is the layer's number of output channels.
    """
    weight = _weight_change(parts, outputs)
    lengths = _lengths(parts)
    if weight is not None and lengths is not None:
        weight = Decomposed(weight, lengths)
    difference = parts.get("diff_b", parts.get("b_norm"))
    bias = None if difference is None else Difference(difference)
    return None if weight is None and bias is None else LayerChange(weight, bias)


def _lengths(parts: Parts) -> Tensor | None:
    """DoRA's; those of PEFT are of output channels whatever axis they lie on."""
    return parts["magnitude"].flatten() if "magnitude" in parts else parts.get("dora_scale")


def _weight_change(parts: Parts, outputs: int) -> WeightChange | None:
    """The change of the kind whose tensors are there."""
    for read in (_lora, _loha, _ia3, _peft_ia3, _lokr, _difference, _glora, _peft_rotation):
        if (found := read(parts)) is not None:
            return found
    return _rotation(parts, outputs)


def scale_of(parts: Parts, rank: int | None = None) -> float:
    """A1111's rule: the file's own scale, else alpha over rank, else 1."""
    if "scale" in parts:
        return float(parts["scale"].item())
    if rank and "alpha" in parts:
        return float(parts["alpha"].item()) / rank
    return 1.0


def _lora(parts: Parts) -> WeightChange | None:
    up, down = parts.get("up"), parts.get("down")
    if up is None or down is None:
        return None
    scale = scale_of(parts, down.shape[0])
    if "mid" in parts:
        return TuckerLoRA(up.flatten(1), down.flatten(1), parts["mid"], scale)
    return LowRank(up.flatten(1), down.flatten(1), scale)


def _loha(parts: Parts) -> WeightChange | None:
    if not {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"} <= parts.keys():
        return None
    first = Factor(parts["hada_w1_a"], parts["hada_w1_b"], parts.get("hada_t1"))
    second = Factor(parts["hada_w2_a"], parts["hada_w2_b"], parts.get("hada_t2"))
    return Hadamard(first, second, scale_of(parts, parts["hada_w1_b"].shape[0]))


def _ia3(parts: Parts) -> WeightChange | None:
    if not {"ia3", "on_input"} <= parts.keys():
        return None
    return Rescaling(parts["ia3"], bool(parts["on_input"].item()), scale_of(parts))


def _peft_ia3(parts: Parts) -> WeightChange | None:
    """PEFT's factors, 1 where nothing changes: (outputs, 1), or of feed-forward layers (1, inputs)."""
    factors = parts.get("ia3_l")
    if factors is None or factors.ndim != MATRIX_AXES or min(factors.shape) != 1:
        return None
    return Rescaling(factors.flatten() - 1, on_input=factors.shape[0] == 1, scale=scale_of(parts))


def _lokr(parts: Parts) -> WeightChange | None:
    first, second = _lokr_factor(parts, 1), _lokr_factor(parts, 2)
    if first is None or second is None:
        return None
    # The rank of the larger matrix, if that is a product; where both are whole there is none.
    ranks = [factor.second.shape[0] for factor in (second, first) if factor.second is not None]
    return Kronecker(first, second, scale_of(parts, ranks[0] if ranks else None))


def _lokr_factor(parts: Parts, number: int) -> Factor | None:
    name = f"lokr_w{number}"
    if name in parts:
        return Factor(parts[name])
    if f"{name}_a" in parts and f"{name}_b" in parts:
        return Factor(parts[f"{name}_a"], parts[f"{name}_b"], parts.get(f"lokr_t{number}"))
    return None


def _difference(parts: Parts) -> WeightChange | None:
    found = parts.get("diff", parts.get("w_norm"))
    return None if found is None else Difference(found, scale_of(parts))


def _glora(parts: Parts) -> WeightChange | None:
    """GLoRA, in the order of tensors that its first files have or in LyCORIS's later one."""
    if not {"a1", "a2", "b1", "b2"} <= parts.keys() or "bm" in parts:
        return None
    a1, a2, b1, b2 = (parts[name].flatten(1) for name in ("a1", "a2", "b1", "b2"))
    if a1.shape[0] < a1.shape[1]:
        # A1111 reads this order only, and leaves alpha alone.
        return GeneralLoRA(a2, a1, LowRank(b2, b1), scale_of(parts))
    return GeneralLoRA(a1, a2, LowRank(b1, b2), scale_of(parts, a2.shape[0]))


def _peft_rotation(parts: Parts) -> WeightChange | None:
    """PEFT's and OneTrainer's OFT, which turns what goes into a layer."""
    generators = parts.get("oft_r")
    if generators is None or generators.ndim != MATRIX_AXES:
        return None
    return InputRotation(generators, is_scaled="scaled_oft" in parts)


def _rotation(parts: Parts, outputs: int) -> WeightChange | None:
    rescale = parts.get("rescale")
    if "oft_diag" in parts:
        return Rotation(parts["oft_diag"][None], is_rotation=True, rescale=rescale)
    if "oft_blocks" not in parts:
        return None
    blocks = parts["oft_blocks"]
    limit = float(parts["alpha"].item()) * outputs if "alpha" in parts else 0.0
    if blocks.ndim == KERNEL_AXES:
        return Rotation(blocks, is_butterfly=True, constraint=limit, rescale=rescale)
    return Rotation(blocks[None], constraint=limit, rescale=rescale)
