"""What an extension finds among all attributes of `p`, as one that sends them to another machine."""

import copy
import json

from tests.compat.a1111.running.test_process import bytes_of, script_of
from tests.pipelines.runs import request_of


def test_attributes_are_a1111s_and_can_be_sent_on(world):
    seen = []

    def before_process(p):
        told = copy.copy(vars(p))
        assert told.pop("scripts_value") is p.scripts
        assert told.pop("script_args_value") is p.script_args
        assert not {"scripts", "script_args"} & set(told)
        seen.append(json.loads(json.dumps(told))["prompt"])
        p.script_args = [*p.script_args, "more"]
        assert p.script_args_value[-1] == "more"

    script_of(world, before_process=before_process)
    made = world.run(request_of(prompt="a cat"))
    assert bytes_of(made) == bytes_of(world.plain(request_of(prompt="a cat")))
    assert seen == ["a cat"]
