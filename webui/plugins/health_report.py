"""What became of one extension since the start, as the tab Extensions shows it."""

from pydantic import BaseModel


class ReportedFailure(BaseModel):
    """Where an extension failed (a file, a hook), how, and the trace."""

    where: str
    error: str
    trace: str


class HealthReport(BaseModel):
    """Of one extension: seconds and calls by what took them, failures, names it wanted that are missing,
    arguments that were dropped, and the memory that loading it took.
    """

    name: str
    seconds: dict[str, float] = {}
    runs: dict[str, int] = {}
    failures: list[ReportedFailure] = []
    missing: list[str] = []
    dropped: list[str] = []
    size_bytes: int = 0
