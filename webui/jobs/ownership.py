"""Who may stop whose job: the one rule for the buttons of pages and the routes of the API."""

from webui.core.errors import WebuiError
from webui.jobs.job import Job


class NotYourJob(WebuiError):
    """A command to a job that somebody else asked for."""


USER = "user:"


def owner_name(user: str | None, browser: str) -> str:
    """The owner of what is asked for: who logged in counts, in every browser; else the browser, or client.

    `browser` is an id that stays over a reload of the page. Empty if nothing is known.
    """
    if user:
        return f"{USER}{user}"
    return f"browser:{browser}" if browser else ""


def may_command(asker: str | None, job: Job) -> bool:
    """Whether `asker`, as `owner_name` wrote it, may stop, skip or cancel a job.

    A page acts on jobs of its owner only. None, which is the API and the server itself, acts on every job, as
    in A1111.
    """
    return asker is None or (asker != "" and asker == job.owner)


def check_command(asker: str | None, job: Job) -> None:
    """Raises NotYourJob where `may_command` says no."""
    if not may_command(asker, job):
        raise NotYourJob(
            "This job was started by somebody else, or from another browser. Only they can stop it; "
            "your own jobs go on in their turn."
        )


def sees_all_jobs(owner: str) -> bool:
    """Whether a page without jobs of its own shows the others'.

    Without logins one person's browsers are not told apart: the phone shows what the desktop began. Who
    logged in sees nobody else's pictures and prompts.
    """
    return not owner.startswith(USER)
