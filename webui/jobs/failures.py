"""What an error that ends a job means: for the artist, and for the worker."""

from collections.abc import Iterator
from dataclasses import dataclass

from webui.core.errors import OutOfMemory, WebuiError
from webui.core.events import Finished
from webui.core.lack_of_memory import is_lack_of_memory

# After these a process cannot use the card any more, whatever it frees or makes anew.
CONTEXT_LOST = (
    "device-side assert",
    "illegal memory access",
    "illegal instruction",
    "illegal address",
    "misaligned address",
    "unspecified launch failure",
    "launch timed out",
    "uncorrectable ecc",
    "hardware stack error",
    "context is destroyed",
    "device is lost",
    "gpu is lost",
    "fallen off the bus",
)
NO_MEMORY_TEXT = (
    "There was not enough memory for this job, so everything that was loaded was let go. Choose smaller "
    "pictures or a smaller batch, a smaller checkpoint, or close other programs."
)


@dataclass(frozen=True, slots=True)
class Failure:
    """How the job ends, and whether the worker can no longer be trusted and has to be made anew."""

    finished: Finished
    ends_worker: bool
    # Worth a trace in the log: nobody foresaw it.
    is_unforeseen: bool


def failure_of(error: BaseException) -> Failure:
    """Tell what an error means. A WebuiError is a refusal: the worker that gave it has put all in order."""
    if is_context_lost(error):
        return Failure(
            make_failed(explain_lost_context(error), "Exception"), ends_worker=True, is_unforeseen=True
        )
    if isinstance(error, WebuiError):
        refusal = make_failed(str(error), type(error).__name__)
        return Failure(refusal, ends_worker=False, is_unforeseen=False)
    if is_lack_of_memory(error):
        lack = make_failed(NO_MEMORY_TEXT, OutOfMemory.__name__)
        return Failure(lack, ends_worker=True, is_unforeseen=True)
    sentence = f"{describe_error(error)}. The program is at fault; its log tells more."
    # What is no Exception was to end the thread or the program: nobody knows what it left behind.
    ends_worker = not isinstance(error, Exception)
    return Failure(make_failed(sentence, "Exception"), ends_worker, is_unforeseen=True)


def make_failed(sentence: str, kind: str) -> Finished:
    """The end of a job that failed."""
    return Finished(outcome="failed", error=sentence, error_kind=kind)


def is_context_lost(error: BaseException) -> bool:
    """Whether the card is of no more use to this process; the cause may lie under another error."""
    return any(mentions(each, CONTEXT_LOST) for each in walk_causes(error) if isinstance(each, RuntimeError))


def explain_lost_context(error: BaseException) -> str:
    """What to tell the artist."""
    found = next(each for each in walk_causes(error) if mentions(each, CONTEXT_LOST))
    return (
        f"The graphics card stopped working for this program ({first_line(found)}). Nothing but a restart of "
        "the server helps: stop it and start it again. What was finished is saved."
    )


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those it came from."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def mentions(error: BaseException, words: tuple[str, ...]) -> bool:
    """Whether one of these stands in an error's text."""
    text = str(error).lower()
    return any(word in text for word in words)


def describe_error(error: BaseException) -> str:
    """An error's kind and text, the text on one line and without its own full stop."""
    return f"{type(error).__name__}: {first_line(error)}".rstrip(": .")


def first_line(error: BaseException) -> str:
    """The first line of an error's text: torch adds advice for programmers below it."""
    return str(error).strip().partition("\n")[0].rstrip(".")
