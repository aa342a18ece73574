"""How the values of an axis are written: lists with commas, ranges, counts, and quotes around commas.

`1-5` is every number from 1 to 5, `1-10 (+3)` every third, `1-10 [4]` four numbers at equal distances.
"""

import csv
import math
import re
from collections.abc import Sequence
from io import StringIO
from itertools import chain, permutations
from typing import Literal

from webui.plugins import InvalidRequest

Kind = Literal["text", "whole", "number", "order"]
Value = str | int | float | tuple[str, ...]
# On one axis. More would be years of work, and a mistyped range should not fill the memory.
MOST_VALUES = 10_000
WHOLE = r"[+-]?\s*\d+"
NUMBER = r"[+-]?\s*\d+(?:\.\d*)?"
HOW_TO = {
    "whole": "Write whole numbers, such as 20, 30 or 10-30 (+5) or 10-30 [3].",
    "number": "Write numbers, such as 5, 7.5 or 5-9 (+0.5) or 5-9 [3].",
}


def range_pattern(number: str) -> re.Pattern[str]:
    """Start, end, and then perhaps a step in round brackets or a count in square ones."""
    return re.compile(
        rf"\s*(?P<start>{number})\s*-\s*(?P<end>{number})\s*"
        rf"(?:\(\s*(?P<step>{number})\s*\)|\[\s*(?P<count>\d+)\s*\])?\s*"
    )


RANGES = {"whole": range_pattern(WHOLE), "number": range_pattern(NUMBER)}


def split_values(text: str) -> list[str]:
    """The values of a text: parted by commas or lines, in quotes where they have commas themselves.

    Raises InvalidRequest.
    """
    try:
        rows = list(csv.reader(StringIO(text), skipinitialspace=True))
    except csv.Error as error:
        raise InvalidRequest(f"The values cannot be read: {error}. Part them by commas.") from error
    return [value.strip() for value in chain.from_iterable(rows)]


def join_values(values: Sequence[str]) -> str:
    """The text of which `split_values` makes these values again."""
    with StringIO() as text:
        csv.writer(text).writerow(values)
        return text.getvalue().strip()


def read_values(written: Sequence[str], kind: Kind) -> list[Value]:
    """The values as the axis needs them, ranges written out. Raises InvalidRequest, naming what is wrong."""
    if kind == "text":
        values: list[Value] = list(written)
    elif kind == "order":
        check_count(math.factorial(min(len(written), 20)))
        values = list(permutations(written))
    else:
        values = []
        for text in written:
            if text.strip():
                values += read_numbers(text, kind)
                check_count(len(values))
    check_count(len(values))
    return values


def read_numbers(text: str, kind: Literal["whole", "number"]) -> list[Value]:
    """One number, or those of a range. Raises InvalidRequest."""
    found = RANGES[kind].fullmatch(text)
    try:
        if found is None:
            return [convert(text, kind)]
        start, end = convert(found["start"], kind), convert(found["end"], kind)
        if found["count"] is not None:
            return spread(start, end, int(found["count"]), kind)
        return count_up(start, end, convert(found["step"] or "1", kind), kind)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{text!r} is not understood. {HOW_TO[kind]}") from error


def convert(text: str, kind: Literal["whole", "number"]) -> int | float:
    """One number. Raises ValueError."""
    plain = re.sub(r"^([+-])\s+", r"\1", text.strip())
    number = int(plain) if kind == "whole" else float(plain)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def count_up(start: float, end: float, step: float, kind: Literal["whole", "number"]) -> list[Value]:
    """From start to end in steps. As in A1111 whole numbers never pass the end, while others may by a step;
    whole numbers that count down leave out the last.
    """
    if step == 0:
        raise InvalidRequest(f"A range with a step of 0 has no end. {HOW_TO[kind]}")
    check_count((end - start) / step)
    if kind == "whole":
        return list(range(int(start), int(end) + 1, int(step)))
    import numpy as np

    return list(np.arange(start, end + step, step).tolist())


def spread(start: float, end: float, count: int, kind: Literal["whole", "number"]) -> list[Value]:
    """So many numbers at equal distances, both ends among them; whole ones are cut off."""
    check_count(count)
    import numpy as np

    numbers: list[float] = np.linspace(start=start, stop=end, num=count).tolist()
    return [int(number) if kind == "whole" else number for number in numbers]


def check_count(count: float) -> None:
    """Raise InvalidRequest for more values than anybody means."""
    if count > MOST_VALUES:
        raise InvalidRequest(
            f"There are more than {MOST_VALUES} values on one axis. Use a larger step, or fewer values."
        )
