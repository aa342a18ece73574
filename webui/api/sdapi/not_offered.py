"""A1111's routes for what this program does not do yet: each answers 501 with a sentence."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from webui.api.sdapi.answers import CreateResponse, TrainResponse
from webui.core.errors import NotOffered

Args = Annotated[dict[str, Any], Body()]


def add_not_offered_routes(router: APIRouter) -> None:
    """Training."""

    @router.post("/create/embedding")
    def create_embedding(args: Args) -> CreateResponse:
        raise NotOffered(no_training("embeddings"))

    @router.post("/create/hypernetwork")
    def create_hypernetwork(args: Args) -> CreateResponse:
        raise NotOffered(no_training("hypernetworks"))

    @router.post("/train/embedding")
    def train_embedding(args: Args) -> TrainResponse:
        raise NotOffered(no_training("embeddings"))

    @router.post("/train/hypernetwork")
    def train_hypernetwork(args: Args) -> TrainResponse:
        raise NotOffered(no_training("hypernetworks"))


def no_training(what: str) -> str:
    """What to say to somebody who wants to train."""
    return f"This version cannot make or train {what}. Put files that others trained into the folder."
