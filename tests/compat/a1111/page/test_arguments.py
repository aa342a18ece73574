"""Values of components travel as JSON and come back equal."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.live_values import LiveValues
from webui.compat.a1111.page.arguments import pack, unpack
from webui.core.errors import InvalidRequest
from webui.core.flags import Flags
from webui.main import build_services

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.just("a1111_live"), inner)
    ),
    max_leaves=12,
)


@given(st.lists(PLAIN))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_values_come_back_as_they_were(host: ExtensionHost, values):
    packed = json.loads(json.dumps(pack(values), allow_nan=False))
    back = unpack(packed)
    assert back == values
    assert [type(each) for each in back] == [type(each) for each in values]


def test_pictures_are_kept_in_the_inputs_and_come_back(host: ExtensionHost, tmp_path: Path):
    host.services = build_services(Flags(safe=True), tmp_path)
    image, mask = Image.new("RGBA", (3, 2), (1, 2, 3, 4)), Image.new("L", (3, 2), 9)
    packed = pack([{"image": image, "mask": mask}])
    host.live_values = LiveValues()
    back = unpack(json.loads(json.dumps(packed)))[0]
    assert back["image"].mode == "RGBA"
    assert back["image"].tobytes() == image.tobytes()
    assert back["mask"].tobytes() == mask.tobytes()


def test_arrays_come_back_and_objects_stay_the_same_object(host: ExtensionHost):
    thing = object()
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    back = unpack(json.loads(json.dumps(pack([array, thing, float("nan"), np.int64(3)]))))
    assert (back[0] == array).all()
    assert back[0].dtype == array.dtype
    assert back[1] is thing
    assert back[3] == 3


def test_a_value_that_is_gone_is_a_sentence(host: ExtensionHost):
    packed = pack([object()])
    host.live_values = LiveValues()
    with pytest.raises(InvalidRequest, match="Press Generate"):
        unpack(packed)
    with pytest.raises(InvalidRequest):
        unpack([{"a1111_array": "no"}])
    with pytest.raises(InvalidRequest):
        unpack("no list")


def test_the_oldest_values_go_first():
    values = LiveValues(most=2)
    tokens = [values.add(number) for number in range(3)]
    assert [values.get(token) for token in tokens[1:]] == [1, 2]
    with pytest.raises(InvalidRequest):
        values.get(tokens[0])


@pytest.mark.parametrize("text", ["{}", "[]", "null"])
def test_marks_in_texts_stay_texts(host: ExtensionHost, text):
    assert unpack(pack([{"a1111_picture": text}])) == [{"a1111_picture": text}]
