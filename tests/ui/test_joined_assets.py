"""The page's scripts and styles as one file each: nothing is left out, and browsers may keep them."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from webui.store.script_bundle import bundle_modules
from webui.ui.joined_assets import SCRIPT, SCRIPT_MAP, STYLE, JoinedAssets
from webui.ui.page import ASSETS, PageAssets


@pytest.fixture(scope="module")
def joined():
    return JoinedAssets(ASSETS)


@pytest.fixture(scope="module")
def client(joined):
    return TestClient(Starlette(routes=[Mount("/assets", PageAssets(joined))]))


def test_every_script_and_every_style_of_the_page_is_in_it(joined):
    script, style = (joined.by_name[name].text.decode() for name in (SCRIPT, STYLE))
    scripts = list(ASSETS.glob("js/**/*.js"))
    assert len(scripts) > 100
    for path in scripts:
        assert f'"{path.relative_to(ASSETS).as_posix()}": async' in script
        # Whatever a module says at its end is there.
        last = path.read_text(encoding="utf-8").rstrip().rpartition("\n")[2]
        assert last.removeprefix("export ") in script, path.name
    for path in ASSETS.glob("css/*.css"):
        assert path.read_text(encoding="utf-8") in style


@pytest.mark.parametrize("name", [SCRIPT, SCRIPT_MAP, STYLE])
def test_who_asks_for_exactly_this_text_may_keep_it_for_good(client, joined, name):
    kept = client.get(f"/assets/{joined.address(name)}", headers={"Accept-Encoding": "identity"})
    assert "immutable" in kept.headers["cache-control"]
    assert kept.content == joined.by_name[name].text
    packed = client.get(f"/assets/{joined.address(name)}", headers={"Accept-Encoding": "gzip, br"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert packed.content == kept.content
    assert gzip.decompress(joined.by_name[name].packed) == kept.content
    # A page of an older version gets what there is now, and asks again the next time.
    for older in (f"/assets/{name}", f"/assets/{name}?0123456789abcdef"):
        assert client.get(older).headers["cache-control"] == "no-cache"
        again = client.get(older, headers={"If-None-Match": kept.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_each_file_is_there_by_itself_for_a_browsers_tools(client):
    answer = client.get("/assets/js/dom.js")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text == (ASSETS / "js" / "dom.js").read_text(encoding="utf-8")


# What runs at once, what waits for something, and what is fetched later; each says its name when it runs.
MODULES = {
    "a.js": """import { say } from "./say.js";
import { deep } from "./deep.js";
say(`a ${deep}`);
const { late } = await import("./late.js");
say(late);
""",
    "b.js": """import { waited } from "./waits.js";
import { say as tell } from "./say.js";
tell(`b ${waited}`);
""",
    "c.js": 'import * as all from "./say.js";\nall.say("c");\n',
    "deep.js": 'import { deeper } from "./deeper.js";\nexport const deep = deeper + 1;\n',
    "deeper.js": 'import { say } from "./say.js";\nsay("deeper");\nexport const deeper = 1;\n',
    "first.js": "await new Promise((resolve) => setTimeout(resolve, 10));\nwindow.said = ['first'];\n",
    "late.js": "export const late = 'late';\n",
    "say.js": "export function say(words) {\n  window.said.push(words);\n}\n",
    "waits.js": """import { say } from "./say.js";
say("waits");
await new Promise((resolve) => (window.go = resolve));
export const waited = "waited";
""",
    "wrong.js": "null.wrong;\n",
}


def test_modules_run_in_the_order_of_a_browsers_own_and_errors_name_theirs(chromium):
    page, errors = chromium.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error.stack)))
    entries = ["a.js", "b.js", "wrong.js", "c.js"]
    page.add_script_tag(content=bundle_modules(MODULES, entries, "first.js").text(), type="module")
    page.wait_for_function("window.said?.length >= 6")
    assert page.evaluate("said") == ["first", "deeper", "a 2", "waits", "c", "late"]
    page.evaluate("go()")
    page.wait_for_function("said.at(-1) === 'b waited'")
    page.close()
    (error,) = errors
    assert "wrong.js" in error
