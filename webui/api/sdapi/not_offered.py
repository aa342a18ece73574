"""A1111's routes for what this program does not do yet: each answers 501 with a sentence."""

from fastapi import APIRouter

from webui.api.sdapi.bodies import InterrogateBody
from webui.core.errors import NotOffered


def add_not_offered_routes(router: APIRouter) -> None:
    """Descriptions of pictures."""

    @router.post("/interrogate")
    def interrogate(body: InterrogateBody) -> None:
        raise NotOffered(
            "This version describes no pictures: it has neither CLIP Interrogator nor DeepBooru. Write the "
            "prompt yourself, or read it from the picture with png-info."
        )
