"""What a processing object works out before its first batch: texts, seeds and sizes of each picture."""

import math
from collections.abc import Callable
from typing import Any

from webui.compat.a1111.host import current
from webui.core.request import MAX_SEED
from webui.jobs.requests import RANDOM_SEEDS
from webui.prompts.syntax import strip_comments


def fixed_seed(seed: Any) -> int:  # noqa: ANN401 - what an extension has
    """A seed that is drawn where none is given."""
    if seed in (None, "", -1) or int(seed) < 0:
        return current().ready.random.randrange(RANDOM_SEEDS)
    return min(int(seed), MAX_SEED)


def fix_seeds(p: Any) -> None:  # noqa: ANN401 - a processing object, or like one
    """Draw the seeds that are not given."""
    p.seed = fixed_seed(p.seed) if not isinstance(p.seed, list) else p.seed
    p.subseed = fixed_seed(p.subseed) if not isinstance(p.subseed, list) else p.subseed


def count_of(p: Any) -> int:  # noqa: ANN401 - as above
    """Pictures of the run."""
    return max(int(p.batch_size), 1) * max(int(p.n_iter), 1)


def spread(text: Any, count: int) -> list[Any]:  # noqa: ANN401 - a text, or one for each picture
    """One for each picture."""
    return list(text) if isinstance(text, list) else [text] * count


def styled(p: Any, text: str, *, is_negative: bool = False) -> str:  # noqa: ANN401 - as above
    """A text with the object's styles, and without comments where the settings leave them out."""
    services = current().ready
    names = [str(name) for name in p.styles or () if name]
    if names:
        styles = services.requests.styles()
        text = styles.apply_negative(text, names) if is_negative else styles.apply(text, names)
    return strip_comments(text) if services.settings.current.interface.enable_prompt_comments else text


def set_up_prompts(p: Any) -> None:  # noqa: ANN401 - as above
    """Texts of each picture."""
    many = [each for each in (p.prompt, p.negative_prompt) if isinstance(each, list)]
    count = max([count_of(p), *(len(each) for each in many)]) if many else count_of(p)
    prompts, negatives = spread(p.prompt, count), spread(p.negative_prompt, count)
    p.all_prompts = [styled(p, str(each)) for each in prompts]
    p.all_negative_prompts = [styled(p, str(each), is_negative=True) for each in negatives]
    p.main_prompt, p.main_negative_prompt = p.all_prompts[0], p.all_negative_prompts[0]


def set_up_hires_prompts(p: Any) -> None:  # noqa: ANN401 - as above
    """The second pass's texts of each picture; where none are given, the first pass's."""
    if not p.enable_hr:
        return
    count = len(p.all_prompts)

    def texts(own: Any, first: list[str], style: Callable[[str], str]) -> list[str]:  # noqa: ANN401
        return [style(str(each)) if each else first[i] for i, each in enumerate(spread(own, count))]

    p.all_hr_prompts = texts(p.hr_prompt, p.all_prompts, lambda text: styled(p, text))
    p.all_hr_negative_prompts = texts(
        p.hr_negative_prompt, p.all_negative_prompts, lambda text: styled(p, text, is_negative=True)
    )


def set_up_seeds(p: Any) -> None:  # noqa: ANN401 - as above
    """Seeds of each picture, which count up; with a variation seed, that does."""
    fix_seeds(p)
    count = len(p.all_prompts)
    stays = p.subseed_strength != 0
    p.all_seeds = (
        list(p.seed) if isinstance(p.seed, list) else [p.seed + (0 if stays else i) for i in range(count)]
    )
    p.all_subseeds = list(p.subseed) if isinstance(p.subseed, list) else [p.subseed + i for i in range(count)]


def set_hires_size(p: Any) -> None:  # noqa: ANN401 - as above
    """`hr_upscale_to_x` and `hr_upscale_to_y`: what the first pass is scaled to, before it is cut."""
    x, y = int(p.hr_resize_x or 0), int(p.hr_resize_y or 0)
    if not x and not y:
        p.hr_upscale_to_x, p.hr_upscale_to_y = int(p.width * p.hr_scale), int(p.height * p.hr_scale)
        return
    by_width, by_height = (x, x * p.height // p.width), (y * p.width // p.height, y)
    is_by_width = p.width / p.height < x / y if x and y else bool(x)
    by = by_width if is_by_width else by_height
    p.hr_upscale_to_x, p.hr_upscale_to_y = by
    if x and y:
        p.truncate_x, p.truncate_y = (by[0] - x) // 8, (by[1] - y) // 8


def first_pass_size(width: int, height: int) -> tuple[int, int]:
    """Sides of about 512x512 pixels of the same shape, multiples of 64: what old versions made first."""
    scale = ((512 * 512) / (width * height)) ** 0.5
    return math.ceil(scale * width / 64) * 64, math.ceil(scale * height / 64) * 64
