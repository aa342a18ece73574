"""What can be loaded through the page's addresses: single pictures, own uploads, the program's own files."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from PIL import Image
from starlette.routing import BaseRoute

from tests.security.conftest import picture
from tests.security.page_visitor import Visitor
from webui.core.events import ImageSaved
from webui.core.request import GenerationRequest
from webui.jobs.job import Job
from webui.store.pictures.filenames import NameFacts
from webui.store.texts.encoding import PictureNotes
from webui.ui.doors.routes import API, FILE_PREFIXES, OPEN_PATHS, OPEN_PREFIXES
from webui.ui.page import page_of
from webui.ui.watching.pictures import PictureFiles

SECRETS = (b"TOP-SECRET", b"root:x:", b"internal secret")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def gradio_routes(site) -> set[str]:
    """The templates of all of Gradio's routes, those of its inner router too."""

    def walk(routes: list[BaseRoute]) -> Iterator[str]:
        for route in routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                yield from walk(inner.routes)
            elif path := getattr(route, "path", None):
                yield path

    found = set(walk(page_of(site.app).routes))
    assert len(found) > 60
    return found


def is_open(template: str) -> bool:
    plain = template.removesuffix("/")
    return (
        template in OPEN_PATHS or plain in OPEN_PATHS or template.startswith((*OPEN_PREFIXES, *FILE_PREFIXES))
    )


def fill(template: str, value: str) -> str:
    """A template with the value in place of each parameter."""
    parts = template.split("{")
    return parts[0] + "".join(value + part.partition("}")[2] for part in parts[1:])


def test_routes_that_the_page_needs_not_are_closed(site):
    # The API's document is the outer application's own.
    others = {getattr(route, "path", None) for route in site.app.routes}
    closed = sorted(template for template in gradio_routes(site) - others if not is_open(template))
    assert {f"{API}/proxy={{url_path:path}}", f"{API}/component_server", "/monitoring"} <= set(closed)
    for template in closed:
        for method in METHODS:
            answer = site.visitor.client.request(method, fill(template, "x"))
            assert answer.status_code in (404, 405), (template, method)
            assert answer.headers.get("content-type") == "application/json"


def test_no_open_route_gives_a_foreign_file(site, opened_files):
    with opened_files.watch(site.attack.forbidden) as opened:
        for template in sorted(filter(is_open, gradio_routes(site))):
            if "heartbeat" in template or "{" not in template:
                continue
            for path in site.attack.paths.values():
                # Others have names of events in them, which are looked up in a table.
                for spelling in spellings(path) if ":path" in template else [quote(path, errors="replace")]:
                    answer = site.visitor.client.get(fill(template, spelling))
                    assert opened == [], (template, spelling)
                    assert not any(secret in answer.content for secret in SECRETS), (template, spelling)
    assert site.asked == []


def spellings(path: str) -> list[str]:
    """A path as it stands, quoted, quoted twice, climbing out of a folder."""
    plain = path.encode(errors="replace").decode().replace("\0", "%00").replace("?", "%3F")
    once = quote(plain, safe="")
    up = "../" * 12 + plain.lstrip("/")
    return [plain, once, quote(once, safe=""), up, quote(up, safe="/"), up.replace("../", "..%2f")]


def test_no_query_gives_a_foreign_file(site, opened_files):
    names = ("page", "deep_link", "upload_id", "url", "path", "__theme", "file")
    with opened_files.watch(site.attack.forbidden) as opened:
        for what in ("regular file", "device", "dots", "address"):
            path = site.attack.paths[what]
            query = "&".join(
                f"{name}={quote(path, errors='replace')}" for name in names if name != "upload_id"
            )
            for address in ("/", "/config", "/theme.css", f"{API}/info"):
                answer = site.visitor.client.get(f"{address}?{query}")
                assert not any(secret in answer.content for secret in SECRETS)
    assert opened == []


def test_an_upload_is_for_its_own_browser(site):
    path = site.visitor.upload("mine.png", picture("mine"))
    assert site.visitor.load(path).status_code == 200
    assert site.other.load(path).status_code == 404
    site.other.upload("mine.png", picture("mine"))
    assert site.other.load(path).status_code == 200


@pytest.mark.parametrize("name", ["page.html", "page.svg", "picture.png", "picture.xhtml", "a b\u4e2d.js"])
@pytest.mark.parametrize(
    "content", [b"<html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_an_uploaded_page_is_never_shown(site, name, content):
    answer = site.visitor.load(quote(site.visitor.upload(name, content)))
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def make_picture(site, folder, name=None) -> ImageSaved:
    """A picture as a job saves it into a folder of the settings."""
    saving = site.services.settings.current.saving
    image, facts = Image.new("RGB", (8, 8)), NameFacts.of(GenerationRequest(), 0, 1, {})
    saved = site.services.files.save(image, PictureNotes("a fox"), facts, saving, folder, name=name)
    return ImageSaved(
        index=0, path=str(saved.path), infotext="a fox", seed=1, variation_seed=0, width=8, height=8
    )


def test_of_a_folder_with_pictures_only_the_pictures_are_given(site, opened_files):
    folder = site.home / "outside" / "elsewhere"
    folder.mkdir()
    neighbours = [folder / name for name in ("private.png", "private.txt", "deep/private.png")]
    for each in neighbours:
        each.parent.mkdir(exist_ok=True)
        each.write_bytes(picture("TOP-SECRET"))
    shown = make_picture(site, folder)
    files = PictureFiles(site.home / "data" / "unsaved", site.services.pictures)
    path = files.on_disk(Job(GenerationRequest()), shown)
    assert site.visitor.load(quote(str(path))).headers["content-type"] == "image/png"
    with opened_files.watch([str(each) for each in neighbours]) as opened:
        for each in (*neighbours, folder, path.parent, f"{path.parent}/", f"{folder}/../secret.png"):
            answer = site.visitor.load(quote(str(each)))
            assert answer.status_code == 404, each
    assert opened == []


def test_pictures_of_the_history_are_given_after_a_restart(site):
    shown = make_picture(site, site.home / "outside" / "history")
    assert site.visitor.load(quote(shown.path)).status_code == 404
    site.services.history.add(site.home / shown.path, "a fox")
    assert site.visitor.load(quote(shown.path)).status_code == 200


def test_a_page_in_a_pictures_place_is_not_shown(site):
    shown = make_picture(site, site.home / "outside" / "replaced")
    site.services.pictures.add(site.home / shown.path)
    (site.home / shown.path).write_bytes(b"<html><script>alert(1)</script>")
    answer = site.visitor.load(quote(shown.path))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_picture_that_did_not_change_is_not_sent_again(site):
    shown = make_picture(site, site.home / "outside" / "kept")
    site.services.pictures.add(site.home / shown.path)
    first = site.visitor.load(quote(shown.path))
    again = {"If-None-Match": first.headers["etag"]}
    address = f"{API}/file={quote(shown.path)}"
    assert site.visitor.client.get(address, headers=again).status_code == 304
    (site.home / shown.path).write_bytes(picture("another", "blue"))
    assert site.visitor.client.get(address, headers=again).content == picture("another", "blue")
    head = site.visitor.client.head(address)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(picture("another", "blue"))))


def test_many_uploads_at_once_are_all_known(site):
    names = [f"{number}.png" for number in range(40)]
    parts = [("files", (name, picture(name))) for name in names]
    paths = site.visitor.client.post(f"{API}/upload", files=parts).json()
    assert [site.visitor.load(path).status_code for path in paths] == [200] * len(names)


def test_a_script_without_cookies_can_use_what_it_uploaded(site):
    client = site.visitor.client
    kept = dict(client.cookies)
    client.cookies.clear()
    try:
        path = Visitor(client).upload("script.png", picture("script"))
        client.cookies.clear()
        assert client.get(f"{API}/file={path}").status_code == 200
    finally:
        client.cookies.clear()
        client.cookies.update(kept)
    assert site.other.load(path).status_code == 404
