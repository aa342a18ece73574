# pyright: basic
"""A1111's API: pictures in base64, names looked up; its routes are the program's own."""

import base64
import importlib
import io
import os
from typing import Any
from urllib.parse import urlsplit

from fastapi.exceptions import HTTPException
from PIL import Image

from modules.api import models
from webui.compat.a1111.facades import base64_pictures
from webui.compat.a1111.facades.stand_ins import StandIn, absent
from webui.core.errors import WebuiError
from webui.core.sampling import find_sampler
from webui.library.fetch.connections import refuse_private
from webui.library.fetch.refusals import FetchRefused

__all__ = ["HTTPException", "Image", "base64", "io", "models", "os"]

decode_base64_to_image = base64_pictures.decode
encode_pil_to_base64 = base64_pictures.encode
NOT_CALLED = "Send the request to this server's /sdapi/v1 routes, or call processing.process_images(p)."


def script_name_to_index(name, scripts):
    """The place of a script by its title. Raises HTTPException 422."""
    titles = [script.title().lower() for script in scripts]
    if str(name).lower() in titles:
        return titles.index(str(name).lower())
    raise HTTPException(422, f"Script {name!r} not found. There are: {', '.join(titles) or 'none'}.")


def validate_sampler_name(name):
    """The name of a sampler. Raises HTTPException 400."""
    try:
        return find_sampler(name).label
    except (WebuiError, AttributeError) as error:
        raise HTTPException(400, f"Sampler not found. {error}") from error


def upscaler_to_index(name):
    """The place of an upscaler among shared.sd_upscalers. Raises HTTPException 400."""
    from modules import shared

    names = [choice.name.lower() for choice in shared.sd_upscalers]
    if str(name).lower() in names:
        return names.index(str(name).lower())
    raise HTTPException(400, f"Invalid upscaler, needs to be one of these: {', '.join(names)}.")


def setUpscalers(req):
    """A body's fields with upscalers under the names that Extras has."""
    fields = req.model_dump() if hasattr(req, "model_dump") else dict(vars(req))
    fields["extras_upscaler_1"] = fields.pop("upscaler_1", None)
    fields["extras_upscaler_2"] = fields.pop("upscaler_2", None)
    return fields


def verify_url(url):
    """Whether an address leads to a public host."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return False
        refuse_private(parts.hostname, port)
    except (FetchRefused, OSError, ValueError):
        return False
    return True


class Api:
    """A1111's class of routes. The program has its own; extensions make one to look names up."""

    def __init__(self, app, queue_lock):
        self.app = app
        self.router = app.router if hasattr(app, "router") else None
        self.queue_lock = queue_lock
        self.credentials = {}
        self.default_script_arg_txt2img = []
        self.default_script_arg_img2img = []
        self.embedding_db = None

    def add_api_route(self, path, endpoint, **kwargs):
        """A route of an extension's own."""
        return self.app.add_api_route(path, endpoint, **kwargs)

    def get_selectable_script(self, script_name, script_runner):
        """A script by its name and its place; None, None without a name. Raises HTTPException 422."""
        if not script_name:
            return None, None
        place = script_name_to_index(script_name, script_runner.selectable_scripts)
        return script_runner.selectable_scripts[place], place

    def get_script(self, script_name, script_runner):
        """A script by its name. Raises HTTPException 422."""
        if not script_name:
            raise HTTPException(422, "A script has no name.")
        return script_runner.scripts[script_name_to_index(script_name, script_runner.scripts)]

    def init_default_script_args(self, script_runner):
        """The scripts' arguments as their components begin."""
        last = max((script.args_to or 0 for script in script_runner.scripts), default=0)
        arguments: list[Any] = [0, *[None] * max(last - 1, 0)]
        for script in script_runner.scripts:
            inputs = script_runner.inputs[script.args_from : script.args_to] if script_runner.inputs else []
            for place, component in enumerate(inputs):
                arguments[script.args_from + place] = getattr(component, "value", None)
        return arguments

    def init_script_args(
        self,
        request,
        default_script_args,
        selectable_scripts,
        selectable_idx,
        script_runner,
        *,
        input_script_args=None,
    ):
        """The arguments of all scripts: the defaults, the selected script's, those of scripts always on."""
        arguments = list(default_script_args)
        if input_script_args is not None:
            for place, value in input_script_args.items():
                arguments[place] = value
        if selectable_scripts:
            given = list(request.script_args)
            arguments[selectable_scripts.args_from : selectable_scripts.args_from + len(given)] = given
            arguments[0] = selectable_idx + 1
        for name, wanted in (request.alwayson_scripts or {}).items():
            script = self.get_script(name, script_runner)
            if not script.alwayson:
                raise HTTPException(422, f"{name!r} is a selectable script. Give it as script_name.")
            for place, value in enumerate(wanted.get("args", [])[: script.args_to - script.args_from]):
                arguments[script.args_from + place] = value
        return arguments

    text2imgapi = StandIn("modules.api.api.Api.text2imgapi", NOT_CALLED)
    img2imgapi = StandIn("modules.api.api.Api.img2imgapi", NOT_CALLED)
    extras_single_image_api = StandIn("modules.api.api.Api.extras_single_image_api", NOT_CALLED)
    extras_batch_images_api = StandIn("modules.api.api.Api.extras_batch_images_api", NOT_CALLED)
    interrogateapi = StandIn("modules.api.api.Api.interrogateapi", NOT_CALLED)
    pnginfoapi = StandIn("modules.api.api.Api.pnginfoapi", NOT_CALLED)


def api_middleware(app) -> None:
    """Nothing to do: the program logs and answers errors itself."""


def __getattr__(name):
    if name in ("shared", "images", "sd_samplers", "scripts", "ui", "postprocessing", "errors", "processing"):
        return importlib.import_module(f"modules.{name}")
    if name in ("opts", "state"):
        return getattr(importlib.import_module("modules.shared"), name)
    absent("modules.api.api", name)
