"""The batches of a run: which pictures come when, in which form and with which words. Deterministic."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor
from torch.nn import functional

from webui.core.errors import InvalidRequest, UnusableFile
from webui.core.work.training_run import TrainingRun
from webui.training.data.batch import ShownSize, TrainingBatch
from webui.training.data.buckets import Placement, Size, place
from webui.training.data.cache import Encode, LatentCache, PreparedPicture
from webui.training.data.captions import show_caption
from webui.training.data.dataset import DataSet, Example
from webui.training.data.pictures import OpenedPicture, choose_offset, cut, open_shown

logger = logging.getLogger(__name__)
# How far brightness and saturation vary, each way.
COLOUR_RANGE = 0.1


@dataclass(frozen=True, slots=True)
class Showing:
    """One picture at one place of an epoch: the example's number, and which of its repeats this is."""

    example: int
    repeat: int


Group = tuple[Size, int]
Plan = list[list[Showing]]


class BatchSource:
    """Epochs of a data set. The same run sees the same batches, wherever it begins."""

    def __init__(
        self,
        dataset: DataSet,
        run: TrainingRun,
        encode: Encode,
        cache: Path,
        tell: Callable[[str], None] = logger.warning,
        encode_anew: Callable[[Tensor, str], Tensor] | None = None,
    ) -> None:
        """`encode` makes latents of an image (1, 3, H, W) in 0 to 1; `cache` is a folder for them.

        `encode_anew` makes latents of an image for one showing alone, which has a name; then none are kept.
        `tell` hears sentences for the run's log. Raises InvalidRequest for a data set without pictures.
        """
        if not any(not example.is_regularisation for example in dataset.examples):
            raise InvalidRequest(f"There are no pictures to learn from in {dataset.folder.name}.")
        self._dataset = dataset
        self._run = run
        self._seed = run.seed or 0
        self._encode, self._encode_anew = encode, encode_anew
        self._tell = tell
        self._cache = LatentCache(cache, encode, tell) if run.cache_latents is not False else None
        self._placements = [place((each.width, each.height), each.rules) for each in dataset.examples]
        self._alike: dict[Group, list[int]] = defaultdict(list)
        for each in range(len(dataset.examples)):
            self._alike[self._group(each)].append(each)
        self._unreadable: set[int] = set()
        self.steps_per_epoch: int = len(self._plan(0))

    def epoch(self, number: int, start: int = 0) -> Iterator[TrainingBatch]:
        """The batches of an epoch from the one with the number `start`; those before it take no work."""
        for batch in self._plan(number)[start:]:
            yield self._make(number, batch)

    def _plan(self, epoch: int) -> Plan:
        """What an epoch shows together: each group shuffled and cut into batches, then these shuffled."""
        random = self._random("order", epoch)
        groups: dict[Group, list[Showing]] = defaultdict(list)
        for number, example in enumerate(self._dataset.examples):
            if not example.is_regularisation:
                groups[self._group(number)] += [Showing(number, repeat) for repeat in range(example.repeats)]
        for showing in self._regularisation(epoch, sum(map(len, groups.values()))):
            groups[self._group(showing.example)].append(showing)
        batches: Plan = []
        for (_, size), showings in sorted(groups.items()):
            random.shuffle(showings)
            batches += [showings[begin : begin + size] for begin in range(0, len(showings), size)]
        random.shuffle(batches)
        return batches

    def _group(self, number: int) -> Group:
        """Pictures of one size are shown together."""
        return self._placements[number].bucket, self._dataset.examples[number].rules.batch_size

    def _regularisation(self, epoch: int, count: int) -> Iterator[Showing]:
        """As many pictures of the class as there are to learn from, going on each epoch where the last ended.

        Each bucket has its share of them, the same in each epoch, so that epochs are equally long.
        """
        groups: dict[Group, list[Showing]] = defaultdict(list)
        for number, example in enumerate(self._dataset.examples):
            if example.is_regularisation:
                groups[self._group(number)] += [Showing(number, repeat) for repeat in range(example.repeats)]
        total, taken, given = sum(map(len, groups.values())), 0, 0
        for _, showings in sorted(groups.items()):
            taken += len(showings)
            share = count * taken // total - given
            given += share
            begin = epoch * share
            # A picture that comes again within an epoch is another showing, with other words and cuts.
            for place_in_row in range(begin, begin + share):
                found = showings[place_in_row % len(showings)]
                yield Showing(found.example, found.repeat + place_in_row // len(showings) * 10_000)

    def _random(self, what: str, *numbers: int) -> Random:
        """Random numbers for one purpose, always the same."""
        return Random(f"{self._seed}/{what}/{'/'.join(map(str, numbers))}")

    def _make(self, epoch: int, showings: list[Showing]) -> TrainingBatch:
        shown = [self._show(epoch, showing) for showing in showings]
        examples = [picture.example for picture in shown]
        prior = 1.0 if self._run.prior_weight is None else self._run.prior_weight
        return TrainingBatch(
            latents=torch.stack([picture.prepared.latent for picture in shown]),
            captions=tuple(picture.caption for picture in shown),
            sizes=tuple(picture.size for picture in shown),
            weights=torch.tensor([prior if example.is_regularisation else 1.0 for example in examples]),
            names=tuple(example.name for example in examples),
            mask=stack_masks([picture.prepared for picture in shown]),
            hints=stack_hints([picture.hint for picture in shown]),
        )

    def _show(self, epoch: int, showing: Showing) -> "Shown":
        """A picture; where its file cannot be read any more, the next one of its size."""
        alike = self._alike[self._group(showing.example)]
        first = alike.index(showing.example)
        for number in (*alike[first:], *alike[:first]):
            if number in self._unreadable:
                continue
            try:
                return self._show_example(epoch, Showing(number, showing.repeat))
            except UnusableFile as error:
                self._unreadable.add(number)
                self._tell(f"{error} The run goes on with the other pictures.")
        raise UnusableFile("None of the pictures can be read any more. Put them back, then resume the run.")

    def _show_example(self, epoch: int, showing: Showing) -> "Shown":
        example, placement = self._dataset.examples[showing.example], self._placements[showing.example]
        numbers = (epoch, showing.example, showing.repeat)
        # Every second showing is mirrored; chance says which.
        coin = self._random("flip", showing.example).getrandbits(1)
        flip = example.rules.flip and bool((epoch * example.repeats + showing.repeat + coin) % 2)
        cutting = Cutting(example, placement, flip, self._random("cut", *numbers))
        prepared = self._prepare(cutting, f"{self._seed}/{numbers}")
        caption = show_caption(
            example.caption,
            example.rules,
            self._random("caption", *numbers),
            with_trigger=not example.is_regularisation,
        )
        return Shown(
            example,
            prepared,
            caption,
            shown_size(cutting, prepared.offset),
            cutting.hint(prepared.offset),
        )

    def _prepare(self, cutting: "Cutting", showing: str) -> PreparedPicture:
        anew = self._encode_anew
        if anew is not None:
            return cutting.prepare(lambda image: anew(image, showing))
        if self._cache is None or cutting.differs_each_time:
            return cutting.prepare(self._encode)
        return self._cache.get_or_make(cutting.key(), lambda: cutting.prepare(self._encode))


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture as it goes into a batch; `hint` (3, H, W)."""

    example: Example
    prepared: PreparedPicture
    caption: str
    size: ShownSize
    hint: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Cutting:
    """How one picture is shown this time."""

    example: Example
    placement: Placement
    flip: bool
    random: Random

    @property
    def differs_each_time(self) -> bool:
        """Whether its latent is good for this showing only."""
        return self.example.rules.crop == "random" or self.example.rules.vary_colours

    def key(self) -> list[object]:
        """What its latent depends on, besides the encoder. Raises UnusableFile."""
        mask = mask_file(self.example)
        wanted = (self.placement.bucket, self.placement.resized, self.example.rules.crop, self.flip)
        return [stamp(self.example.path), *wanted, self.example.rules.masks, mask and stamp(mask)]

    def prepare(self, encode: Encode) -> PreparedPicture:
        """Open the picture, cut and encode it. Raises UnusableFile."""
        picture = open_shown(self.example.path, self.placement.resized)
        offset = choose_offset(self.placement, self.example.rules.crop, picture.image, self.random)
        shown = cut(picture.image, self.placement, offset, flip=self.flip)
        if self.example.rules.vary_colours:
            shown = vary_colours(shown, self.random)
        latent = encode(to_tensor(shown)[None])[0].detach().float().cpu()
        return PreparedPicture(latent, offset, self._mask(picture, offset, latent))

    def _mask(self, picture: OpenedPicture, offset: Size, latent: Tensor) -> Tensor | None:
        """What of the latent counts: each of its pixels as much as its part of the mask is white."""
        if not self.example.rules.masks:
            return None
        file = mask_file(self.example)
        mask = open_shown(file, self.placement.resized).image.convert("L") if file else picture.alpha
        if mask is None:
            return None
        shown = to_tensor(cut(mask, self.placement, offset, flip=self.flip))
        return functional.interpolate(shown[None], latent.shape[-2:], mode="area")[0]

    def hint(self, offset: Size) -> Tensor | None:
        """What a ControlNet is shown, cut as the picture is."""
        if self.example.hint is None:
            return None
        picture = open_shown(self.example.hint, self.placement.resized)
        return to_tensor(cut(picture.image, self.placement, offset, flip=self.flip))


def mask_file(example: Example) -> Path | None:
    """The mask file that counts."""
    return example.mask if example.rules.masks else None


def stamp(path: Path) -> list[object]:
    """What tells a file from another, or from itself before a change. Raises UnusableFile."""
    try:
        status = path.stat()
        return [str(path.resolve()), status.st_size, status.st_mtime_ns]
    except OSError as error:
        raise UnusableFile(f"{path.name} is gone, or cannot be opened.") from error


def shown_size(cutting: Cutting, offset: Size) -> ShownSize:
    """What SDXL is told; a mirrored picture was cut at the other side."""
    (left, top), (width, height) = offset, cutting.placement.bucket
    if cutting.flip:
        left = cutting.placement.slack_x - left
    return ShownSize(cutting.example.width, cutting.example.height, left, top, width, height)


def to_tensor(image: Image.Image) -> Tensor:
    """A picture as (3, H, W) in 0 to 1, a grey one as (1, H, W)."""
    pixels = torch.from_numpy(np.array(image, np.float32) / 255)
    return pixels.permute(2, 0, 1).contiguous() if pixels.ndim == 3 else pixels[None]


def vary_colours(image: Image.Image, random: Random) -> Image.Image:
    """The picture a little brighter or darker, and more or less colourful."""
    for kind in (ImageEnhance.Brightness, ImageEnhance.Color):
        image = kind(image).enhance(1 + random.uniform(-COLOUR_RANGE, COLOUR_RANGE))
    return image


def stack_masks(pictures: list[PreparedPicture]) -> Tensor | None:
    """Masks of a batch (B, 1, h, w); where a picture has none, all of it counts. None if none has one."""
    if all(picture.mask is None for picture in pictures):
        return None
    full = torch.ones(1, *pictures[0].latent.shape[-2:])
    return torch.stack([full if picture.mask is None else picture.mask for picture in pictures])


def stack_hints(hints: list[Tensor | None]) -> Tensor | None:
    """Hints of a batch (B, 3, H, W), black where there is none; None if there are none at all."""
    blank = next((torch.zeros_like(hint) for hint in hints if hint is not None), None)
    return None if blank is None else torch.stack([blank if hint is None else hint for hint in hints])
