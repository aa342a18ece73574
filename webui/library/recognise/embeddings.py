"""Embeddings (textual inversion) and hypernetworks, identified by names and widths."""

from webui.core.model_file import Family
from webui.library.files.headers import Header

MATRIX = 2
# A1111 makes embeddings of at most this many vectors: CLIP's 77 tokens without start and end.
MOST_VECTORS = 75
FAMILIES_BY_WIDTH = {768: Family.SD1, 1024: Family.SD2, 1280: Family.SDXL, 2048: Family.SDXL}
SDXL_NAMES = frozenset({"clip_l", "clip_g"})
HYPERNETWORK_FAMILIES = {"768": Family.SD1, "1024": Family.SD2, "2048": Family.SDXL}


def is_embedding(header: Header) -> bool:
    """A1111's table, SDXL's pair, or the single small matrix (or vector) that other trainers write."""
    infos = list(header.tensors.values())
    if header.has("string_to_param.") or "emb_params" in header or SDXL_NAMES & header.tensors.keys():
        return all(len(info.shape) <= MATRIX for info in infos)
    return (
        len(infos) == 1
        # A network that lost all but one of its tensors has names of layers.
        and not next(iter(header.tensors)).endswith((".weight", ".bias"))
        and 1 <= len(infos[0].shape) <= MATRIX
        and (len(infos[0].shape) == 1 or infos[0].shape[0] <= MOST_VECTORS)
    )


def embedding_family(header: Header) -> Family:
    """By the encoders it has words for, else by its width."""
    names = header.tensors.keys()
    if "t5xxl" in names:
        return Family.SD3 if "clip_g" in names else Family.FLUX
    if "clip_g" in names:
        return Family.SDXL
    width = next((info.shape[-1] for info in header.tensors.values() if info.shape), 0)
    return FAMILIES_BY_WIDTH.get(width, Family.UNKNOWN)


def embedding_reason(header: Header) -> str | None:
    """Why an embedding cannot be used, None if it can."""
    family = embedding_family(header)
    if family is Family.UNKNOWN or family.runs:
        return None
    return f"It is for {family.value}, which cannot be run here yet."


def is_hypernetwork(header: Header) -> bool:
    """A1111's: modules under the widths that they change."""
    heads = {key.split(".", 1)[0] for key in header.tensors}
    return (
        bool(heads)
        and all(head.isdigit() for head in heads)
        and all(".linear" in key for key in header.tensors)
    )


def hypernetwork_family(header: Header) -> Family:
    """By the width of the text that it changes."""
    heads = {key.split(".", 1)[0] for key in header.tensors}
    found = [family for width, family in HYPERNETWORK_FAMILIES.items() if width in heads]
    return found[0] if len(found) == 1 else Family.UNKNOWN
