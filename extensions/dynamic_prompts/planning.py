"""Templates of a run to the texts of its pictures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from random import Random, SystemRandom

from extensions.dynamic_prompts.draw import Drawing
from extensions.dynamic_prompts.grammar import Nodes, is_template, parse_template
from extensions.dynamic_prompts.part import MOST_PICTURES, DynamicPrompts
from extensions.dynamic_prompts.wildcards import Lists
from webui.plugins import GenerationRequest, InvalidRequest, PlannedPicture, RunPlan

POSITIVE = ("prompt", "hires_prompt")
NEGATIVE = ("negative_prompt", "hires_negative_prompt")
TEMPLATE_KEYS = {"prompt": "Template", "negative_prompt": "Negative Template"}
# Seeds begin again at 0 after this one.
SEEDS = 2**64


def fields_of(part: DynamicPrompts) -> tuple[str, ...]:
    """The texts of a picture that are filled in."""
    return POSITIVE if part.leave_negative_prompt else (*POSITIVE, *NEGATIVE)


def has_templates(plan: RunPlan, part: DynamicPrompts) -> bool:
    """Whether there is anything to fill in."""
    texts = {getattr(picture, name) for picture in plan.pictures for name in fields_of(part)}
    return any(is_template(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Planner:
    """Fills in the templates of one run."""

    part: DynamicPrompts
    lists: Lists
    tell: Callable[[str], None]
    parse: Callable[[str], Nodes] = field(default_factory=lambda: cache(parse_template))

    def plan(self, plan: RunPlan, request: GenerationRequest) -> RunPlan:
        """The plan with all texts filled in; of all combinations, as many pictures as there are.

        Raises InvalidRequest.
        """
        pictures = list(plan.pictures)
        is_combined = self._combines(plan)
        if is_combined:
            pictures = self._combined(pictures[0], request)
        filled = [self._filled(each, number, is_combined) for number, each in enumerate(pictures)]
        if self.part.fixed_seed:
            # The texts were drawn by the pictures' own seeds: with one seed all would be the same.
            seeds = {"seed": filled[0].seed, "variation_seed": filled[0].variation_seed}
            filled = [each.model_copy(update=seeds) for each in filled]
        return plan.replace(filled)

    def _combines(self, plan: RunPlan) -> bool:
        """Whether there is a picture for each combination; a script's own pictures stay as many."""
        texts = {(each.prompt, each.negative_prompt) for each in plan.pictures}
        return self.part.way == "Combinatorial" and len(texts) == 1

    def _combined(self, first: PlannedPicture, request: GenerationRequest) -> list[PlannedPicture]:
        """A picture for each combination; hires prompts are drawn later, by each picture's seed."""
        pairs = list(islice(self._pairs(first), self._most + 1))
        if len(pairs) > self._most:
            if not self.part.max_pictures:
                raise InvalidRequest(
                    f"Dynamic prompts: there are more than {self._most} combinations. Set Max generations, "
                    "or write fewer choices."
                )
            pairs.pop()
        pairs *= self.part.combinatorial_batches
        return [self._numbered(first, pair, number, request) for number, pair in enumerate(pairs)]

    @property
    def _most(self) -> int:
        return self.part.max_pictures or MOST_PICTURES // self.part.combinatorial_batches

    def _pairs(self, first: PlannedPicture) -> Iterator[tuple[str, str]]:
        for prompt in self._all(first.prompt, first.seed):
            if self.part.leave_negative_prompt:
                yield prompt, first.negative_prompt
                continue
            for negative_prompt in self._all(first.negative_prompt, first.seed):
                yield prompt, negative_prompt

    def _all(self, text: str, seed: int) -> Iterator[str]:
        drawing = Drawing(self.lists, self._random(seed), self.tell, way="all")
        return drawing.combine(self.parse(text))

    def _numbered(
        self, first: PlannedPicture, texts: tuple[str, str], number: int, request: GenerationRequest
    ) -> PlannedPicture:
        """Picture `number` of a run with the seeds that A1111 would give it."""
        changes = {
            "prompt": texts[0],
            "negative_prompt": texts[1],
            "seed": first.seed if request.variation_strength else (first.seed + number) % SEEDS,
            "variation_seed": (first.variation_seed + number) % SEEDS,
            "entries": first.entries | self._templates(first),
        }
        return first.model_copy(update=changes)

    def _filled(self, picture: PlannedPicture, number: int, is_combined: bool) -> PlannedPicture:
        names = [name for name in fields_of(self.part) if not (is_combined and name in TEMPLATE_KEYS)]
        texts = {name: self._draw(getattr(picture, name), picture.seed, number) for name in names}
        entries = picture.entries | ({} if is_combined else self._templates(picture))
        return picture.model_copy(update=texts | {"entries": entries})

    def _draw(self, text: str, seed: int, number: int) -> str:
        if not is_template(text):
            return text
        return Drawing(self.lists, self._random(seed), self.tell, number).draw(self.parse(text))

    def _random(self, seed: int) -> Random:
        return SystemRandom() if self.part.unlink_seed else Random(seed)

    def _templates(self, picture: PlannedPicture) -> dict[str, str]:
        """What the infotext says of the templates, where that is wished for."""
        if not self.part.write_template:
            return {}
        names = [name for name in fields_of(self.part) if name in TEMPLATE_KEYS]
        texts = {TEMPLATE_KEYS[name]: getattr(picture, name) for name in names}
        return {key: text for key, text in texts.items() if is_template(text)}


def tell_once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Tells each sentence once."""
    told: set[str] = set()

    def tell_new(text: str) -> None:
        if text not in told:
            told.add(text)
            tell(text)

    return tell_new
