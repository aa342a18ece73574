"""WD taggers, versions 2 and 3, by ONNX Runtime: a picture's tags of Danbooru with their scores."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from webui.core.errors import InvalidNumbers, NotOffered, UnusableFile
from webui.core.lack_of_memory import is_lack_of_memory
from webui.core.work.caption_request import CaptionOptions
from webui.library.captioners.captioner import Captioner
from webui.models.captioning.description import Description, flatten
from webui.models.captioning.onnx_files import check_onnx
from webui.models.captioning.tags import Tag, choose_tags, read_tags, write_tags

logger = logging.getLogger(__name__)
TAGS = "selected_tags.csv"
# Where the file leaves it open: all that were published take this.
USUAL_SIDE, LARGEST_SIDE = 448, 2048
NOT_INSTALLED = (
    "Taggers need ONNX Runtime, which is not installed. Run 'pip install onnxruntime' in the program's "
    "environment (or install Atelier with [tagging]), and restart."
)
Pixels = NDArray[np.float32]


class WdTagger:
    """A tagger in memory. `side` is that of the square picture it takes, in pixels."""

    def __init__(self, session: Any, tags: Sequence[Tag], side: int, size_bytes: int) -> None:  # noqa: ANN401 - of a package that need not be installed
        """Takes over an open session of ONNX Runtime; the tags are its outputs in order."""
        self._session = session
        self._tags = tuple(tags)
        self.side = side
        self._size_bytes = size_bytes

    @property
    def size_bytes(self) -> int:
        """Memory that its weights take: about what its file has."""
        return self._size_bytes

    def modules(self) -> list[nn.Module]:
        """None of torch's."""
        return []

    def describe(self, image: Image.Image, options: CaptionOptions) -> Description:
        """The tags of a picture, as the options want them written. Raises InvalidNumbers."""
        chosen = choose_tags(self._tags, self.scores(image), options)
        return Description(write_tags(chosen, options), tuple(chosen))

    def scores(self, image: Image.Image) -> list[float]:
        """A score from 0 to 1 for each tag, in the order of the list.

        Raises InvalidNumbers, and UnusableFile where the network cannot be run.
        """
        name = self._session.get_inputs()[0].name
        try:
            (given, *_) = self._session.run(None, {name: prepare(image, self.side)})
        except errors_of(import_runtime()) as error:
            if is_lack_of_memory(error):
                raise
            raise UnusableFile("The tagger's model.onnx cannot be run: it is no WD tagger.") from error
        numbers = np.asarray(given, dtype=np.float32).reshape(-1)
        if len(numbers) != len(self._tags):
            raise UnusableFile(wrong_count("The tagger", len(self._tags), len(numbers)))
        if not np.isfinite(numbers).all():
            raise InvalidNumbers("The tagger gave no valid numbers (NaN). Download its model.onnx again.")
        return [float(score) for score in to_scores(numbers)]


def to_scores(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outputs as scores: those that are none yet (logits) through the logistic function."""
    if numbers.min(initial=0) >= 0 and numbers.max(initial=0) <= 1:
        return numbers
    return (1 / (1 + np.exp(-numbers.astype(np.float64)))).astype(np.float32)


def prepare(image: Image.Image, side: int) -> Pixels:
    """A picture as WD taggers were trained: (1, side, side, 3), blue first, 0 to 255, on white."""
    picture = flatten(image)
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), "white")
    square.paste(picture, ((longest - picture.width) // 2, (longest - picture.height) // 2))
    if longest != side:
        square = square.resize((side, side), Image.Resampling.BICUBIC)
    return np.ascontiguousarray(np.asarray(square, dtype=np.float32)[None, :, :, ::-1])


def load_tagger(captioner: Captioner, device: torch.device) -> WdTagger:
    """Load a tagger. Raises UnusableFile, and NotOffered where ONNX Runtime is not installed."""
    runtime = import_runtime()
    tags = read_tags(captioner.folder / TAGS)
    check_onnx(captioner.weights)
    session = open_session(runtime, captioner.weights, device)
    side = side_of(session, captioner.name)
    outputs = session.get_outputs()[0].shape
    if len(outputs) == 2 and isinstance(outputs[1], int) and outputs[1] != len(tags):
        raise UnusableFile(wrong_count(captioner.name, len(tags), outputs[1]))
    logger.info("Loaded %s (%d tags)", captioner.name, len(tags))
    return WdTagger(session, tags, side, captioner.weights.stat().st_size)


def wrong_count(name: str, tags: int, outputs: int) -> str:
    """What to say of a list that is another network's."""
    return (
        f"{name}: {TAGS} has {tags} tags, but the network tells of {outputs}. The two files are not of the "
        "same tagger; download both again."
    )


def import_runtime() -> Any:  # noqa: ANN401 - a package that need not be installed
    """ONNX Runtime. Raises NotOffered."""
    try:
        # Optional, and a second to load.
        import onnxruntime
    except ImportError as error:
        raise NotOffered(NOT_INSTALLED) from error
    return onnxruntime


def open_session(runtime: Any, path: Path, device: torch.device) -> Any:  # noqa: ANN401 - as above
    """A network ready to run, on the card where ONNX Runtime can. Raises UnusableFile."""
    wanted = ["CPUExecutionProvider"]
    if device.type == "cuda":
        wanted.insert(0, "CUDAExecutionProvider")
    available = set(runtime.get_available_providers())
    options = runtime.SessionOptions()
    # Only errors: the rest is about the making of the file.
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return runtime.InferenceSession(
            str(path), sess_options=options, providers=[each for each in wanted if each in available]
        )
    except errors_of(runtime) as error:
        if is_lack_of_memory(error):
            raise
        logger.debug("ONNX Runtime on %s: %s", path.name, error)
        raise UnusableFile(f"{path.name} is damaged or no network that ONNX Runtime knows.") from error


def errors_of(runtime: Any) -> tuple[type[Exception], ...]:  # noqa: ANN401 - as above
    """What ONNX Runtime raises; its errors share no class of their own."""
    named = vars(runtime.capi.onnxruntime_pybind11_state).values()
    own = [each for each in named if isinstance(each, type) and issubclass(each, Exception)]
    return (*own, RuntimeError, ValueError)


def side_of(session: Any, name: str) -> int:  # noqa: ANN401 - as above
    """The side of the pictures that a network takes. Raises UnusableFile for what is no WD tagger."""
    inputs = session.get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    side = shape[1] if len(shape) == 4 and isinstance(shape[1], int) else USUAL_SIDE
    if len(shape) != 4 or shape[3] != 3 or not 1 <= side <= LARGEST_SIDE or not session.get_outputs():
        raise UnusableFile(
            f"{name} takes no pictures as WD taggers do: (1, height, width, 3). It is no tagger."
        )
    return side
