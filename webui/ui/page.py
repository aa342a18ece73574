"""The served page around the components: scripts, styles, and how the page is mounted on the server."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import gradio as gr
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from gradio.routes import App
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Scope

from webui.core.flags import Flags
from webui.store.reading import MAX_FILE_BYTES
from webui.ui.doors.guarded_blocks import GuardedBlocks
from webui.ui.doors.page_files import paths_in
from webui.ui.doors.routes import PageRoutes
from webui.ui.joined_assets import ASK_AGAIN, SCRIPT, STYLE, JoinedAssets
from webui.ui.theme import make_theme

ASSETS = Path(__file__).parent / "assets"
ASSETS_URL = "/assets/page"
# As the page names them: beside itself, wherever a reverse proxy offers it.
BESIDE_PAGE = ASSETS_URL.removeprefix("/")
LOGIN_HINT = "After ten wrong passwords within a minute, wait a minute before the next."
ThemeChoice = Literal["light", "dark"] | None


class PageAssets(StaticFiles):
    """Static files that a browser asks for again each time, and gets only if they changed.

    Scripts and styles that every page needs come joined; each by itself is there for a browser's tools.
    """

    def __init__(self, joined: JoinedAssets) -> None:
        super().__init__(directory=ASSETS)
        self._joined = joined.by_name

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, marked so that no old script or style is used after an update."""
        if joined := self._joined.get(path):
            return joined.answer(Request(scope))
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = ASK_AGAIN
        return response


def page_head(joined: JoinedAssets, theme: ThemeChoice = None, extra: Iterable[str] = ()) -> str:
    """What Gradio puts into the page's head: styles, scripts, and the theme where a flag fixes it."""
    style = f'<link rel="stylesheet" href="{BESIDE_PAGE}/{joined.address(STYLE)}">'
    script = f'<script type="module" src="{BESIDE_PAGE}/{joined.address(SCRIPT)}"></script>'
    return "\n".join([COLOR_SCHEME, theme_script(theme), style, script, *extra])


def preloading(joined: JoinedAssets) -> str:
    """Tags by which a browser gets styles and scripts while it waits for Gradio, which asks for them late."""
    return (
        f'<link rel="preload" as="style" href="{BESIDE_PAGE}/{joined.address(STYLE)}">'
        f'<link rel="modulepreload" href="{BESIDE_PAGE}/{joined.address(SCRIPT)}">'
    )


# In the page's HTML itself. Who leaves the page with unapplied settings is asked, and may stay: Gradio, whose
# listener comes after this one, would end its connection at the question already.
ASK_BEFORE_LEAVING = (
    "<script>addEventListener('beforeunload', (event) => {"
    " if (!document.querySelector('#settings .unapplied')) return;"
    " event.preventDefault(); event.stopImmediatePropagation(); });</script>"
)
# Gradio's scripts watch each value of what the page is made from, which makes going through it many times as
# slow. What describes components and events never changes, and objects of a class are not watched.
LEAVE_UNWATCHED = (
    "<script>{ const config = window.gradio_config; class Described {};"
    " for (const each of [config?.layout, ...config?.components ?? [], ...config?.dependencies ?? []])"
    " if (each) Object.setPrototypeOf(each, Described.prototype); }</script>"
)
# Scroll bars and other parts that the browser draws follow the theme.
COLOR_SCHEME = '<meta name="color-scheme" content="light dark">'


def theme_script(theme: ThemeChoice) -> str:
    """A script that asks Gradio for a theme unless the address does. None leaves it to the system."""
    if theme is None:
        return ""
    return (
        "<script>{ const address = new URL(location); if (!address.searchParams.has('__theme')) {"
        f" address.searchParams.set('__theme', '{theme}');"
        " history.replaceState(null, '', address); } }</script>"
    )


def mount_page(
    app: FastAPI, blocks: GuardedBlocks, flags: Flags, further_head: Iterable[str] = ()
) -> FastAPI:
    """Mount the page at the root of the server. Routes of the app that were added before come first.

    `further_head` are extensions' tags, which stand in the page's HTML itself.
    """
    joined = JoinedAssets(ASSETS)
    app.mount(ASSETS_URL, PageAssets(joined), name="page-assets")
    with blocks.asked_in_vain():
        app = gr.mount_gradio_app(
            app,
            blocks,
            path="/",
            # The path below which a reverse proxy offers the page.
            root_path=f"/{flags.subpath.strip('/')}" if flags.subpath else None,
            theme=make_theme(),
            head=page_head(joined, flags.theme),
            auth=list(flags.page_accounts()) or None,
            # Gradio's login page says nothing of its own when the guard asks to wait.
            auth_message=LOGIN_HINT,
            favicon_path=str(ASSETS / "favicon.png"),
            footer_links=[],
            run_history=False,
            show_error=True,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            max_file_size=MAX_FILE_BYTES,
        )
    blocks.config = blocks.get_config_file()
    knows = partial(knows_user, app, needs_login=bool(flags.page_accounts()))
    app.state.knows_page_user = knows
    app.state.name_page_user = partial(name_user, app)
    # Icons and the like, which Gradio copied while the page was built.
    blocks.files.publish(paths_in(blocks.config))
    early_head = "\n".join([preloading(joined), LEAVE_UNWATCHED, ASK_BEFORE_LEAVING, *further_head])
    early_body = (ASSETS / "early.html").read_text(encoding="utf-8").replace("$THEME", flags.theme or "")
    page_of(app).add_middleware(
        PageRoutes, files=blocks.files, knows_user=knows, early_head=early_head, early_body=early_body
    )
    return app


def knows_user(app: FastAPI, cookies: Mapping[str, str], *, needs_login: bool) -> bool:
    """Whether somebody with these cookies may see the page. The guard asks before it lets the page upload."""
    if not needs_login:
        return True
    page = page_of(app)
    names = (f"access-token-{page.cookie_id}", f"access-token-unsecure-{page.cookie_id}")
    return any(cookies.get(name) in page.tokens for name in names)


def name_user(app: FastAPI, cookies: Mapping[str, str]) -> str:
    """Who is logged in to the page with these cookies; "" if nobody is."""
    page = page_of(app)
    names = (f"access-token-{page.cookie_id}", f"access-token-unsecure-{page.cookie_id}")
    return next((page.tokens[cookies[name]] for name in names if cookies.get(name) in page.tokens), "")


def page_of(app: FastAPI) -> App:
    """The page that is mounted on the server. Raises LookupError."""
    for route in app.routes:
        if isinstance(route, Mount):
            mounted = route.app
            if isinstance(mounted, App):
                return mounted
    raise LookupError("No page is mounted on this server.")
