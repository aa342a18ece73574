"""Many requests as one job: a batch of files, one result after another."""

from pydantic import Field

from webui.core.request import GenerationRequest
from webui.core.request_parts import Frozen


class Series(Frozen):
    """Requests in order. What one of them refuses is told, and the rest go on.

    `names` are those of the files the requests came from, as many as there are requests, or none; results are
    then named after them. `folder` is where results go; empty: the tab's folder.
    """

    requests: tuple[GenerationRequest, ...] = Field(min_length=1, max_length=10_000)
    names: tuple[str, ...] = ()
    folder: str = ""
