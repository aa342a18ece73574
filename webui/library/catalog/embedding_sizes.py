"""How many tokens embeddings take, from their headers: for counters at prompts. Loads no torch."""

from collections.abc import Iterable

from webui.core.errors import UnusableFile
from webui.core.model_file import ModelKind
from webui.library.catalog.catalog import Catalog
from webui.library.files.headers import Header, read_header


def embedding_sizes(catalog: Catalog, text: str) -> dict[str, int]:
    """Vectors of each embedding that a text may name."""
    squeezed_text = squeezed(text)
    found: dict[str, int] = {}
    for file in catalog.files(ModelKind.EMBEDDING):
        if occurs(file.word, [squeezed_text]):
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


def squeezed(text: str) -> str:
    """A text as far as tokens can tell it apart: without spaces, in lower case."""
    return "".join(text.split()).lower()


def occurs(name: str, squeezed_texts: Iterable[str]) -> bool:
    """Whether a name may be among the tokens of a text; what tokenizers change in it is left to them."""
    wanted = squeezed(name)
    return bool(wanted) and (not wanted.isascii() or any(wanted in text for text in squeezed_texts))
