"""Modules put together: what is read, what is refused, and where each line comes from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.store.script_bundle import BASE64, NotBundled, bundle_modules, encode_vlq

SOURCES = {
    "js/a.js": """import { one, two as zwei } from "./deep/b.js";
import {
  Three,
} from "./deep/b.js";

one();
""",
    "js/c.js": """import * as b from "./deep/b.js";
export async function go() {
  await import("./late.js");
}
""",
    "js/deep/b.js": """export function one() {}
export const two = 2;
export class Three {}
""",
    "js/late.js": """/** @param {import("./deep/b.js").Three} it */
export async function* count(it) {}
""",
}


def read_vlq(text):
    """The numbers of a segment: the source map's own rules, the other way round."""
    numbers, number, shift = [], 0, 0
    for sign in text:
        digit = BASE64.index(sign)
        number |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            numbers.append(-(number >> 1) if number & 1 else number >> 1)
            number = shift = 0
    return numbers


@given(st.lists(st.integers(-(2**31), 2**31), min_size=1))
def test_numbers_of_a_source_map_are_read_back(numbers):
    assert read_vlq(encode_vlq(*numbers)) == numbers


def test_each_line_of_a_module_is_found_in_it():
    bundle = bundle_modules(SOURCES, ["js/a.js", "js/c.js"])
    lines, told = bundle.text().splitlines(), json.loads(bundle.source_map())
    assert (told["version"], sorted(told["sources"])) == (3, sorted(SOURCES))
    seen, source, line = [], 0, 0
    for made, segment in zip(lines, told["mappings"].split(";"), strict=False):
        if not segment:
            continue
        column, to_source, to_line, to_column = read_vlq(segment)
        assert (column, to_column) == (0, 0)
        source, line = source + to_source, line + to_line
        original = SOURCES[told["sources"][source]].split("\n")[line]
        seen.append((told["sources"][source], line))
        if not original.startswith(("import", "}")) and "import(" not in original:
            assert made == original.removeprefix("export ")
    assert seen == [(name, at) for name, text in SOURCES.items() for at in range(text.count("\n") + 1)]


def test_imports_and_exports_become_what_functions_take_and_give():
    text = bundle_modules(SOURCES, ["js/a.js"]).text("page.js.map")
    assert "const { one, two: zwei } = $given[0];" in text
    assert "const {\n  Three,\n} = $given[1];" in text
    assert "const b = $given[0];" in text
    assert '$needs["js/a.js"] = ["js/deep/b.js", "js/deep/b.js"];' in text
    assert "$give({ one, two, Three }); } });" in text
    assert 'await $import("js/late.js");' in text
    # A type in a comment is none.
    assert '@param {import("./deep/b.js").Three} it' in text
    assert text.rstrip().endswith('$load("js/a.js");\n//# sourceMappingURL=page.js.map')


@pytest.mark.parametrize(
    "line",
    [
        "export default function go() {}",
        "export { go };",
        "export let changing = 1;",
        "export const { a, b } = both;",
        'import fresh from "./deep/b.js";',
        "import { one } from './deep/b.js';",
        'import "https://art.example/x.js";',
        "const here = import.meta.url;",
        'import { one } from "./nowhere.js";',
        'import { go } from "./c.js";\nimport { two } from "./../../outside.js";',
        'const late = () => import("./nowhere.js");',
    ],
)
def test_what_cannot_be_put_together_is_refused_with_its_place(line):
    with pytest.raises(NotBundled, match=r"js/d\.js"):
        bundle_modules(SOURCES | {"js/d.js": f"{line}\n"}, ["js/d.js"])


def test_imports_in_a_circle_are_refused_as_a_way():
    circle = {"a.js": 'import "./b.js";\n', "b.js": 'import "./c.js";\n', "c.js": 'import "./b.js";\n'}
    with pytest.raises(NotBundled, match=r"b\.js -> c\.js -> b\.js"):
        bundle_modules(circle, ["a.js"])
