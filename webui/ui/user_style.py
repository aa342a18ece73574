"""The owner's own styles: `user.css` in the data folder, which A1111 reads as well."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

from webui.core.errors import NotFound
from webui.store.pictures.served_pictures import is_regular_file
from webui.ui.joined_assets import ASK_AGAIN

FILE = "user.css"
# Beside the page, wherever a reverse proxy offers it.
ADDRESS = f"v1/{FILE}"


def add_user_style(app: FastAPI, data: Path) -> list[str]:
    """Serve the file of a data folder; the tags that bring it into the page, behind all other styles."""
    file = data / FILE
    if not is_regular_file(file):
        return []

    @app.get(f"/{ADDRESS}", include_in_schema=False)
    def user_style() -> FileResponse:
        if not is_regular_file(file):
            raise NotFound(f"There is no {FILE} in the data folder any more. Start the server again.")
        return FileResponse(file, media_type="text/css", headers={"Cache-Control": ASK_AGAIN})

    return [f'<link rel="stylesheet" href="{ADDRESS}">']
