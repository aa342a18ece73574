"""/v1/server: which start of the server this is, and to start it anew (Reload UI)."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from webui.api.community_rights import require_owner
from webui.core.errors import Busy
from webui.jobs.services import Services


class ServerAnswer(BaseModel):
    """`id` is another one after each start; `jobs` run or wait."""

    id: str
    jobs: int


class WantedRestart(BaseModel):
    """`despite_jobs`: jobs that run or wait are cancelled; what they made so far is kept."""

    despite_jobs: bool = False


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()

    @router.get("/v1/server")
    def look() -> ServerAnswer:
        """Which start of the server this is."""
        return describe(services)

    @router.post("/v1/server/restart", status_code=202)
    def restart(body: WantedRestart, request: Request) -> ServerAnswer:
        """End in order and start anew at the same address, with the extensions as they are chosen now."""
        require_owner(request, services.flags)
        answer = describe(services)
        if answer.jobs and not body.despite_jobs:
            several = "A job is" if answer.jobs == 1 else f"{answer.jobs} jobs are"
            raise Busy(
                f"{several} not done yet. Wait for that, or restart all the same: they end, and what they "
                "made so far is kept."
            )
        services.life.restart()
        return answer

    return router


def describe(services: Services) -> ServerAnswer:
    """As it is now."""
    return ServerAnswer(id=services.life.identity, jobs=len(services.jobs.unfinished()))
