"""Text encoders by the original code's names: what extensions ask of their words and tokenizers."""

# Whose values these are is the networks' matter.
# ruff: noqa: ANN401

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from webui.compat.a1111.facades.original_code import name_class
from webui.core.model_file import Family
from webui.prompts.tokenizer import END_ID, START_ID, clip_tokenizer

CLIP = "ldm.modules.encoders.modules.FrozenCLIPEmbedder"
OPEN_CLIP = "ldm.modules.encoders.modules.FrozenOpenCLIPEmbedder"
XL_CLIP = "sgm.modules.encoders.modules.FrozenCLIPEmbedder"
XL_OPEN_CLIP = "sgm.modules.encoders.modules.FrozenOpenCLIPEmbedder2"
KINDS = {
    Family.SD2: (OPEN_CLIP,),
    Family.SDXL: (XL_CLIP, XL_OPEN_CLIP),
    Family.SDXL_REFINER: (XL_OPEN_CLIP,),
}
WORD_END = "</w>"


def kinds_of(family: Family) -> tuple[str, ...]:
    """The original code's classes of a family's encoders, in order."""
    return KINDS.get(family, (CLIP,))


def view(family: Family, tower: int, load: Callable[[], Any]) -> Any:
    """An encoder of a checkpoint. Its weights are loaded by `load` when they are asked for."""
    return encoder_class(kinds_of(family)[tower])(load)


@cache
def encoder_class(name: str) -> Any:
    """A class that is the original code's of that name to isinstance, and has its name."""
    base = name_class(name)

    def begin(self: Any, load: Callable[[], Any]) -> None:
        nn.Module.__init__(self)
        self.load_tower = load

    def transformer(self: Any) -> Seen:
        tower = self.load_tower()
        inner = tower.text_model
        embeddings = Seen(inner.embeddings, token_embedding=words_of(tower))
        return Seen(tower, text_model=Seen(inner, embeddings=embeddings))

    def model(self: Any) -> Seen:
        tower = self.load_tower()
        return Seen(tower, token_embedding=words_of(tower))

    is_open = "OpenCLIP" in name
    own = {"model": property(model)} if is_open else {"transformer": property(transformer)}
    tokenizer = CLIPTokenizer("open_clip" if is_open else "transformers")
    members = {"__init__": begin, "__module__": base.__module__, "tokenizer": tokenizer, **own}
    return type(base.__name__, (base,), members)


def words_of(tower: Any) -> "Seen":
    """The vectors of a tower's words, below the name that A1111's hijack gives them too."""
    words = tower.text_model.embeddings.token_embedding
    return Seen(words, wrapped=words)


def vectors_of(tower: Any, ids: Tensor) -> Tensor:
    """The vectors (T, D) of words by their ids, in 32 bits, where the tower's words are."""
    words = tower.text_model.embeddings.token_embedding
    with torch.no_grad():
        return words(ids.to(words.weight.device)).float()


class Seen:
    """A part of a network with some of its parts by other names."""

    def __init__(self, inner: nn.Module, **named: Any) -> None:
        """`named` are found before what `inner` has by itself."""
        self._inner = inner
        vars(self).update(named)

    def __call__(self, *values: Any, **given: Any) -> Any:
        """What the part itself gives."""
        return self._inner(*values, **given)

    def __getattr__(self, name: str) -> Any:
        """The part's own. Raises AttributeError."""
        return getattr(self._inner, name)


class CLIPTokenizer:
    """Our tokenizer by the names of transformers'."""

    model_max_length = 77
    bos_token_id, eos_token_id, pad_token_id = START_ID, END_ID, END_ID

    def __init__(self, style: Any) -> None:
        """Of a style of ours. Reads the vocabulary when it is first asked for."""
        self._style = style

    @property
    def encoder(self) -> dict[str, int]:
        """Words by their ids."""
        return clip_tokenizer(self._style).vocabulary

    @property
    def decoder(self) -> dict[int, str]:
        """Ids by their words."""
        return {index: word for word, index in self.encoder.items()}

    @property
    def byte_encoder(self) -> dict[int, str]:
        """The letter of each byte."""
        return clip_tokenizer(self._style).byte_letters

    @property
    def byte_decoder(self) -> dict[str, int]:
        """The byte of each letter."""
        return {letter: byte for byte, letter in self.byte_encoder.items()}

    def get_vocab(self) -> dict[str, int]:
        """Words by their ids."""
        return self.encoder

    def __len__(self) -> int:
        """How many words there are."""
        return len(self.encoder)

    def encode(self, text: str, add_special_tokens: bool = True, **_given: Any) -> list[int]:
        """The ids of a text, between the marks of start and end unless they are unwanted."""
        ids = clip_tokenizer(self._style).encode(text)
        return [START_ID, *ids, END_ID] if add_special_tokens else ids

    def __call__(self, text: str | Sequence[str], add_special_tokens: bool = True, **_given: Any) -> Any:
        """A table with "input_ids" of a text, or of each of several. Nothing is cut off or filled up."""
        several = [text] if isinstance(text, str) else list(text)
        rows = [self.encode(each, add_special_tokens) for each in several]
        return {"input_ids": rows[0] if isinstance(text, str) else rows}

    def tokenize(self, text: str) -> list[str]:
        """The words of the vocabulary that a text is made of."""
        return self.convert_ids_to_tokens(self.encode(text, add_special_tokens=False))

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """The word of an id, or of each of several."""
        words = self.decoder
        return words.get(ids) if isinstance(ids, int) else [words.get(int(each)) for each in ids]

    def convert_tokens_to_ids(self, words: Any) -> Any:
        """The id of a word, or of each of several; of an unknown one the mark's."""
        known = self.encoder
        return (
            known.get(words, END_ID)
            if isinstance(words, str)
            else [known.get(each, END_ID) for each in words]
        )

    def decode(self, ids: Any, **_given: Any) -> str:
        """The text of ids, with spaces between words."""
        bytes_of, words = self.byte_decoder, self.decoder
        marks = {START_ID, END_ID}
        letters = "".join(words.get(int(each), "") for each in ids if int(each) not in marks)
        text = letters.replace(WORD_END, " ")
        return bytes(bytes_of.get(letter, 0x20) for letter in text).decode("utf-8", "replace").strip()
