"""Tiny captioners with random weights, in folders as the published ones are."""

import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SIDE = 8
TAGS = (
    ("general", 9), ("1girl", 0), ("long_hair", 0), ("^_^", 0), ("hat_(red)", 0),
    ("miku_(append)", 4), ("sky", 0),
)  # fmt: skip


def varint(value: int) -> bytes:
    """A number of a protobuf."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """A field of a protobuf: a number, or bytes (a text, or a message)."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: np.ndarray, external: str = "") -> bytes:
    """A tensor of ONNX, its numbers in it or in another file."""
    kind = 1 if values.dtype == np.float32 else 7
    head = b"".join(field(1, side) for side in values.shape) + field(2, kind) + field(8, name)
    if external:
        return head + field(13, field(1, "location") + field(2, external)) + field(14, 1)
    return head + field(9, values.tobytes())


def value_info(name: str, shape: Sequence[int | str]) -> bytes:
    """What goes in or comes out: a tensor of 32-bit numbers."""
    sides = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, sides)))


def node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    """One step of a network."""
    return b"".join(field(1, each) for each in inputs) + field(2, output) + field(4, kind) + attributes


def onnx_tagger(
    weights: np.ndarray, side: int = SIDE, *, logits: bool = False, external: str = "", channels: int = 3
) -> bytes:
    """A tagger: the picture's numbers over 255 times `weights` (side * side * 3, tags), through a sigmoid."""
    shape = np.array([1, -1], dtype=np.int64)
    graph = (
        field(1, node("Reshape", ["pixels", "shape"], "flat"))
        + field(1, node("Mul", ["flat", "scale"], "small"))
        + field(1, node("MatMul", ["small", "weights"], "scores" if logits else "logits"))
        + (b"" if logits else field(1, node("Sigmoid", ["logits"], "scores")))
        + field(2, "tagger")
        + field(5, tensor("shape", shape))
        + field(5, tensor("scale", np.array([1 / 255], dtype=np.float32)))
        + field(5, tensor("weights", weights.astype(np.float32), external))
        + field(11, value_info("pixels", ["batch", side, side, channels]))
        + field(12, value_info("scores", ["batch", weights.shape[1]]))
    )
    return field(1, 8) + field(8, field(2, 17)) + field(7, graph)


def csv_of(tags: Sequence[tuple[str, int]] = TAGS) -> str:
    """The list of tags as WD taggers come with it."""
    lines = [f"{number},{name},{category},{1000 - number}" for number, (name, category) in enumerate(tags)]
    return "\n".join(["tag_id,name,category,count", *lines, ""])


def tagger_weights(tags: int = len(TAGS), side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Random weights whose scores lie well apart."""
    return np.random.default_rng(seed).normal(0, 0.3, (side * side * 3, tags)).astype(np.float32)


def make_tagger(folder: Path, weights: np.ndarray | None = None, **how: object) -> Path:
    """A tagger's folder."""
    folder.mkdir(parents=True)
    weights = tagger_weights() if weights is None else weights
    (folder / "model.onnx").write_bytes(onnx_tagger(weights, **how))  # type: ignore[arg-type]
    (folder / "selected_tags.csv").write_text(csv_of(), encoding="utf-8")
    return folder


WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[DEC]",
    "[ENC]",
    *["a", "the", "red", "cat", "sits", "on", "blue", "house"],
]


def fill(network, seed: int) -> None:
    """Random weights, larger than usual, so that words differ."""
    import torch

    source = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=source)


def make_blip(folder: Path, seed: int = 0) -> Path:
    """BLIP's folder, with a network of a few thousand numbers."""
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BlipConfig(
        text_config=small
        | {
            "vocab_size": len(WORDS), "bos_token_id": 5, "sep_token_id": 3, "eos_token_id": 3,
            "pad_token_id": 0, "encoder_hidden_size": 16, "projection_dim": 16, "max_position_embeddings": 64,
        },
        vision_config=small | {"image_size": 32, "patch_size": 8, "projection_dim": 16},
        projection_dim=16,
        image_text_hidden_size=16,
    )  # fmt: skip
    network = BlipForConditionalGeneration(config)
    fill(network, seed)
    network.save_pretrained(str(folder))
    BlipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(str(folder))
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(str(folder))
    return folder


def make_florence2(folder: Path, seed: int = 1) -> Path:
    """Florence-2's folder, with a network of a few thousand numbers."""
    from transformers import (
        CLIPImageProcessor,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
    )

    tokenizer = florence_tokenizer()
    config = Florence2Config(
        text_config={
            "model_type": "bart", "vocab_size": len(tokenizer), "d_model": 16, "encoder_layers": 1,
            "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
            "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 1024,
             "bos_token_id": 0, "pad_token_id": 1,
            "eos_token_id": 2, "decoder_start_token_id": 2, "is_encoder_decoder": True,
        },
        vision_config={
            "depths": [1, 1, 1, 1], "patch_size": [7, 3, 3, 3], "patch_stride": [4, 2, 2, 2],
            "patch_padding": [3, 1, 1, 1], "patch_prenorm": [False, True, True, True],
            "embed_dim": [8, 8, 8, 16], "num_heads": [2, 2, 2, 2], "num_groups": [2, 2, 2, 2],
            "window_size": 2, "projection_dim": 16,
            "max_temporal_embeddings": 10, "max_position_embeddings": 10,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    network = Florence2ForConditionalGeneration(config)
    fill(network, seed)
    network.save_pretrained(str(folder))
    images = CLIPImageProcessor(size={"height": 64, "width": 64}, do_center_crop=False)
    images.image_seq_length = 5
    Florence2Processor(images, tokenizer).save_pretrained(str(folder))
    return folder


def florence_tokenizer():
    """Words of one letter, and Florence-2's marks."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyzDW?. "
    vocabulary = {
        name: number for number, name in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<image>", *letters])
    }
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )  # fmt: skip


def change_json(path: Path, **values: object) -> None:
    """Other values in a file of JSON."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def pickle_that_runs(marker: Path) -> bytes:
    """A pickle that makes a file when it is loaded."""
    name = str(marker).encode()
    return b"\x80\x02cpathlib\nPath\nq\x00X" + struct.pack("<I", len(name)) + name + b"\x85R."


def pickle_that_touches(marker: Path) -> bytes:
    """The same, by calling os.mkdir."""
    name = str(marker).encode()
    return b"\x80\x02cos\nmkdir\nX" + struct.pack("<I", len(name)) + name + b"\x85R."
