"""What a click on a card puts into the prompts."""

from collections.abc import Callable
from dataclasses import replace

from webui.core.model_file import ModelFile, ModelKind
from webui.core.settings import Models
from webui.library.catalog.lora_files import LoraFiles, entry_of
from webui.store.sidecars import CardText


class Insertion:
    """Texts for prompts, as the settings are at that moment."""

    def __init__(self, loras: LoraFiles, settings: Callable[[], Models]) -> None:
        self._loras = loras
        self._settings = settings

    def of(self, file: ModelFile, text: CardText) -> tuple[str, str]:
        """What goes into the prompt and the negative prompt; nothing of files that are chosen elsewhere."""
        match file.kind:
            case ModelKind.EMBEDDING:
                return embedding_words(file, text)
            case ModelKind.LORA:
                by_file_name = self._settings().lora_preferred_name == "Filename"
                name = self._loras.names().preferred(entry_of(file), by_file_name=by_file_name)
                # What the trainer noted serves where the artist has written nothing.
                words = text.activation_text or file.metadata.get("modelspec.trigger_phrase", "")
                return self._network("lora", name, replace(text, activation_text=words))
            case ModelKind.HYPERNETWORK:
                return self._network("hypernet", file.stem, text)
            case _:
                return "", ""

    def _network(self, mark: str, name: str, text: CardText) -> tuple[str, str]:
        weight = text.preferred_weight or float(self._settings().extra_networks_default_multiplier)
        return f"<{mark}:{name}:{weight:g}> {text.activation_text}".strip(), text.negative_text


def embedding_words(file: ModelFile, text: CardText) -> tuple[str, str]:
    """An embedding is a word; some are made for the negative prompt."""
    is_negative = file.metadata.get("modelspec.is_negative_embedding", "").lower() == "true"
    words = ", ".join(part for part in (file.word, text.activation_text) if part)
    return ("", words) if is_negative else (words, text.negative_text)
