"""How the weights of a LoRA (in the wide sense) are stored, and whose names they have.

Each tensor's name is a module's and an end that only adapters have; the ends are those of kohya's scripts,
LyCORIS (Yeh et al. 2023), diffusers and PEFT.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from webui.core.model_file import AdapterSort, KeyStyle
from webui.library.files.headers import Header

Shape = tuple[int, ...]
# Ends of names and what each tells; a wider end stands behind the narrower ones.
ENDS: Mapping[str, AdapterSort | None] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "lora_up.weight", "lora_down.weight", "lora_mid.weight", "lora_A.weight", "lora_B.weight",
                "lora_A", "lora_B", "lora.up.weight", "lora.down.weight", "lora_up", "lora_down",
                "lora_linear_layer.up.weight", "lora_linear_layer.down.weight",
            ),
            AdapterSort.LORA,
        ),
        **dict.fromkeys(
            ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"), AdapterSort.LOHA
        ),
        **dict.fromkeys(
            ("lokr_w1", "lokr_w2", "lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b", "lokr_t2"),
            AdapterSort.LOKR,
        ),
        **dict.fromkeys(("on_input", "ia3_l"), AdapterSort.IA3),
        **dict.fromkeys(("a1.weight", "a2.weight", "b1.weight", "b2.weight", "bm.weight"), AdapterSort.GLORA),
        **dict.fromkeys(("diff", "diff_b"), AdapterSort.FULL),
        **dict.fromkeys(("w_norm", "b_norm"), AdapterSort.NORMS),
        **dict.fromkeys(("oft_blocks", "oft_diag", "oft_r", "oft_R.weight"), AdapterSort.OFT),
        **dict.fromkeys(("boft_blocks", "boft_R", "boft_s"), AdapterSort.BOFT),
        **dict.fromkeys(
            ("dora_scale", "lora_magnitude_vector", "lora_magnitude_vector.weight"), AdapterSort.DORA
        ),
        # Said by adapters and by other networks too.
        "alpha": None,
    }
)  # fmt: skip
# PEFT puts the adapter's own name into each tensor's.
ADAPTER_NAME = re.compile(
    r"(\.(?:lora_[AB]|lora_magnitude_vector|(?:hada|lokr|oft|ia3)_\w+))\.(?!weight$)\w+(?=\.weight$|$)"
)
# The longest of them has three parts.
MOST_PARTS = 3
# Before kohya and PEFT, diffusers put its layers beside those of attention: `…to_q_lora.up.weight`.
OLD_DIFFUSERS = re.compile(r"^(?P<module>.+)_lora\.(?P<end>up|down)\.weight$")
LONG_ENDS = ".processor."
XLABS = re.compile(r"^(?P<module>.+\.processor\.(?:proj|qkv)_lora\d)\.(?P<end>up|down)\.weight$")
DOWN_ENDS = (
    "lora_down.weight", "lora_A.weight", "lora.down.weight", "lora_A", "lora_down",
    "lora_linear_layer.down.weight", "down",
)  # fmt: skip
UP_ENDS = (
    "lora_up.weight", "lora_B.weight", "lora.up.weight", "lora_B", "lora_up",
    "lora_linear_layer.up.weight", "up",
)  # fmt: skip
BOFT_DIMENSIONS, MATRIX_DIMENSIONS = 4, 2
NORM_NAMES = re.compile(r"(^|[._])(layer_?)?norm\d?(_|\.|$)|ln_")


@dataclass(frozen=True)
class AdapterKeys:
    """The tensors of an adapter, by module: end of the name to shape."""

    modules: Mapping[str, Mapping[str, Shape]]

    @property
    def sort(self) -> AdapterSort | None:
        """The sort of most modules; None if there are none."""
        counted = Counter(sort for ends in self.modules.values() if (sort := sort_of(ends)))
        if not counted:
            return None
        found = counted.most_common(1)[0][0]
        if found is AdapterSort.FULL and all(NORM_NAMES.search(name) for name in self.modules):
            return AdapterSort.NORMS
        is_motion = all("motion_modules" in name or "temporal" in name for name in self.modules)
        if found is AdapterSort.LORA and is_motion:
            return AdapterSort.MOTION
        has_convolutions = any(is_convolution(name, ends) for name, ends in self.modules.items())
        return AdapterSort.LOCON if found is AdapterSort.LORA and has_convolutions else found


def read_adapter(header: Header) -> AdapterKeys:
    """The adapter tensors of a header; those of no adapter are left out."""
    found: dict[str, dict[str, Shape]] = {}
    for info, parts in zip(header.tensors.values(), split_names(header.tensors), strict=True):
        if parts is not None:
            found.setdefault(parts[0], {})[parts[1]] = info.shape
    for name, ends in found.items():
        # LyCORIS' name for the vector of an IA3 says nothing by itself.
        if "on_input" in ends and (shape := header.shape(f"{name}.weight")) is not None:
            ends["ia3_l"] = shape
    return AdapterKeys({name: ends for name, ends in found.items() if sort_of(ends) or has_pair(ends)})


def split_names(keys: Iterable[str]) -> Iterator[tuple[str, str] | None]:
    """Each tensor's name as its module's and the end that adapters have; None of one without such an end."""
    # Of thousands of names few have different ends, so each end is looked at once.
    known: dict[str, tuple[int, str] | None] = {}
    for key in keys:
        tail = key[_tail_start(key) :]
        if tail not in known:
            parts = split_name(tail)
            known[tail] = (len(tail) - len(parts[0]), parts[1]) if parts else None
        found = known[tail]
        if found is not None:
            yield key[: -found[0]], found[1]
        else:
            yield split_name(key) if LONG_ENDS in key else None


def _tail_start(key: str) -> int:
    """Where the last parts of a name begin: as many as the longest end has, and one more."""
    place = len(key)
    for _ in range(MOST_PARTS + 1):
        place = key.rfind(".", 0, place)
        if place < 0:
            return 0
    return place + 1


def split_name(key: str) -> tuple[str, str] | None:
    """A tensor's name as its module's and the end that adapters have; None if it has no such end."""
    found = _split_at_end(key)
    if found is None and (".lora_" in key or ".default" in key):
        found = _split_at_end(ADAPTER_NAME.sub(r"\1", key))
    if found is None and "_lora" in key:
        parts = OLD_DIFFUSERS.match(key) or XLABS.match(key)
        return (parts["module"], parts["end"]) if parts else None
    return found


def _split_at_end(key: str) -> tuple[str, str] | None:
    module, end = key, ""
    for _ in range(MOST_PARTS):
        module, _, part = module.rpartition(".")
        end = f"{part}.{end}" if end else part
        if module and end in ENDS:
            return module, end
    return None


def has_pair(ends: Mapping[str, Shape]) -> bool:
    """Whether a module has an up or down matrix in the oldest names."""
    return "up" in ends or "down" in ends


def sort_of(ends: Mapping[str, Shape]) -> AdapterSort | None:
    """Sort of one module by the ends of its tensors' names."""
    sorts = [sort for end in ends if (sort := ENDS.get(end, AdapterSort.LORA))]
    if not sorts:
        return None
    if AdapterSort.DORA in sorts:
        others = [sort for sort in sorts if sort is not AdapterSort.DORA]
        # A length beside another sort than LoRA leaves that sort's name; alone it says what it is.
        return next((sort for sort in others if sort is not AdapterSort.LORA), AdapterSort.DORA)
    if any(sort is AdapterSort.OFT for sort in sorts):
        is_butterfly = len(ends.get("oft_blocks", ())) == BOFT_DIMENSIONS
        return AdapterSort.BOFT if is_butterfly else AdapterSort.OFT
    return next((sort for sort in sorts if sort is not AdapterSort.FULL), AdapterSort.FULL)


def is_convolution(name: str, ends: Mapping[str, Shape]) -> bool:
    """Whether a module is one that plain LoRA leaves alone: a resnet's, or a wide convolution."""
    down = _first(ends, DOWN_ENDS)
    return any(side > 1 for side in down[2:]) or "resnets" in name or "lora_mid.weight" in ends


def input_width(ends: Mapping[str, Shape]) -> int:
    """How many numbers go into a module, 0 where its tensors do not tell."""
    shape = _first(ends, (*DOWN_ENDS, "hada_w1_b", "diff", "a1.weight", "b1.weight"))
    if len(shape) > 1:
        return shape[1]
    turned = ends.get("oft_R.weight", ())
    return turned[0] * _side(turned[1]) if len(turned) == 2 else _kronecker(ends, 1)


def _side(elements: int) -> int:
    """Of a square with so many numbers above its diagonal."""
    return (1 + math.isqrt(1 + 8 * elements)) // 2


def output_width(ends: Mapping[str, Shape]) -> int:
    """How many numbers come out of a module, 0 where its tensors do not tell."""
    shape = _first(ends, (*UP_ENDS, "hada_w1_a", "diff", "b2.weight"))
    if shape:
        return shape[0]
    blocks = ends.get("oft_blocks", ())
    # Square blocks along the diagonal of a matrix that turns what comes out.
    return blocks[0] * blocks[1] if len(blocks) == 3 else max(_kronecker(ends, 0), *ends.get("ia3_l", (0,)))


def is_point(ends: Mapping[str, Shape]) -> bool | None:
    """Whether a module is a convolution of one point (True) or a matrix (False); None if that is not told."""
    shape = _first(ends, (*DOWN_ENDS, "diff"))
    return len(shape) > MATRIX_DIMENSIONS if shape else None


def _first(ends: Mapping[str, Shape], names: Iterable[str]) -> Shape:
    return next((ends[name] for name in names if name in ends), ())


def _kronecker(ends: Mapping[str, Shape], side: int) -> int:
    """Rows (0) or columns (1) of a LoKr's product: those of its two factors, multiplied."""
    widths = []
    for factor in ("lokr_w1", "lokr_w2"):
        split = ends.get(f"{factor}_{'ab'[side]}") or ends.get(factor) or ()
        widths.append(split[side] if len(split) > side else 0)
    return widths[0] * widths[1]


def key_style(adapter: AdapterKeys) -> KeyStyle:
    """Whose names the tensors have: by the beginnings of the modules' names, then by the ends of tensors'."""
    names = tuple(adapter.modules)
    if any(XLABS_MODULE.search(name) for name in names):
        return KeyStyle.XLABS
    for style, beginnings in STYLES:
        if any(name.startswith(beginnings) for name in names):
            return style
    return KeyStyle.DIFFUSERS if any(DIFFUSERS_MODULE.match(name) for name in names) else KeyStyle.ORIGINAL


XLABS_MODULE = re.compile(r"\.processor\.(proj|qkv)_lora\d$")
# Read from the top: OneTrainer writes kohya's names too.
STYLES: tuple[tuple[KeyStyle, tuple[str, ...]], ...] = (
    (KeyStyle.PEFT, ("base_model.",)),
    (KeyStyle.ONETRAINER, ("lora_transformer_", "lora_prior_")),
    (KeyStyle.KOHYA, ("lora_unet_", "lora_te", "oft_unet_", "oft_te")),
    (KeyStyle.LYCORIS, ("lycoris_",)),
    (KeyStyle.AI_TOOLKIT, ("diffusion_model.",)),
    (KeyStyle.DIFFUSERS, ("unet.", "transformer.", "text_encoder", "te.")),
)
# Without a prefix, diffusers' names of blocks.
DIFFUSERS_MODULE = re.compile(r"(single_|joint_)?transformer_blocks\.|(down|up)_blocks\.|mid_block\.")
