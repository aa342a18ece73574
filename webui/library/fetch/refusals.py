"""Why something could not be fetched: a cause for programs, a sentence for people."""

from typing import Literal

from webui.core.errors import WebuiError

Cause = Literal[
    "key needed",
    "not allowed",
    "early access",
    "gone",
    "too many requests",
    "login page",
    "truncated",
    "wrong hash",
    "private address",
    "no connection",
    "not a link",
    "not a model",
    "disk full",
    "unexpected",
]
# With these a later attempt may go on where the last one ended.
PASSING: frozenset[Cause] = frozenset(
    {
        "key needed",
        "not allowed",
        "early access",
        "too many requests",
        "login page",
        "truncated",
        "no connection",
        "disk full",
        "unexpected",
    }
)


class FetchRefused(WebuiError):
    """Something on another host cannot be had (API: 502, with the cause)."""

    def __init__(self, cause: Cause, sentence: str) -> None:
        super().__init__(sentence)
        self.cause: Cause = cause


class PartRefused(FetchRefused):
    """Nothing follows on what lies here: it is whole, if `whole_size` is its size, or another file's part."""

    def __init__(self, sentence: str, whole_size: int | None = None) -> None:
        super().__init__("truncated", sentence)
        self.whole_size = whole_size


class Stopped(Exception):
    """The artist does not want it any longer. Never shown."""
