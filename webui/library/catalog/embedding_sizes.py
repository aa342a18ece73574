"""How many tokens embeddings take, from their headers: for counters at prompts. Loads no torch."""

from collections.abc import Iterable
from typing import get_args

from webui.core.attention import parse_attention
from webui.core.errors import UnusableFile
from webui.core.model_file import ModelKind
from webui.library.catalog.catalog import Catalog
from webui.library.files.headers import Header, read_header
from webui.prompts.chunks import EmbeddingNames
from webui.prompts.tokenizer import ClipTokenizer, VocabularyStyle, clip_tokenizer


def embedding_sizes(catalog: Catalog, text: str) -> dict[str, int]:
    """Vectors of each embedding that a text may name."""
    tokens = NamedTokens([text])
    found: dict[str, int] = {}
    for file in catalog.files(ModelKind.EMBEDDING):
        if tokens.name(file.word):
            try:
                size = size_of(read_header(file.path))
            except UnusableFile:
                continue
            if size:
                found[file.word] = size
    return found


def size_of(header: Header) -> int:
    """Vectors in a file; 0 if that cannot be told."""
    tables = {key: info.shape for key, info in header.tensors.items()}
    inside = {key: shape for key, shape in tables.items() if key.startswith("string_to_param.")}
    shape = next(iter((inside or tables).values()), ())
    return shape[0] if len(shape) > 1 else len(shape)


class NamedTokens:
    """The tokens of texts, to ask which embeddings they name: a name counts where its own tokens stand."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Takes the texts as prompts are written, and also with their brackets read as attention."""
        texts = tuple(texts)
        pieces = {run.text for text in texts for run in parse_attention(text).runs} | {*texts}
        self._tokenizers = [clip_tokenizer(style) for style in get_args(VocabularyStyle)]
        self._letters = "\n".join({letters_of(piece, each) for piece in pieces for each in self._tokenizers})
        self._tokens = [[each.encode(piece) for piece in pieces] for each in self._tokenizers]

    def name(self, name: str) -> bool:
        """Whether one of the texts names an embedding."""
        # Of thousands of embeddings, few have their letters in a prompt.
        if not any(
            letters in self._letters for each in self._tokenizers if (letters := letters_of(name, each))
        ):
            return False
        for tokenizer, texts in zip(self._tokenizers, self._tokens, strict=True):
            names = EmbeddingNames(tokenizer, {name: 1})
            if any(names.find(tokens, at) for tokens in texts for at in range(len(tokens))):
                return True
        return False


def letters_of(text: str, tokenizer: ClipTokenizer) -> str:
    """A text as far as tokens can tell it apart: cleaned, and without spaces."""
    # Nothing else is changed in letters of ASCII but for what stands behind "&".
    cleaned = text.lower() if text.isascii() and "&" not in text else tokenizer.clean(text)
    return "".join(cleaned.split())
