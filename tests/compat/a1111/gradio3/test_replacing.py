"""Attributes that are replaced for a while."""

from webui.compat.a1111.gradio3.replacing import Replacements


class Above:
    inherited = 1


class Below(Above):
    own = 2

    @staticmethod
    def plain():
        return 3


def test_everything_is_put_back_as_it_was():
    before = dict(vars(Below))
    replacements = Replacements()
    replacements.replace(Below, "inherited", 10)
    replacements.replace(Below, "own", 20)
    replacements.replace(Below, "own", 200)
    replacements.replace(Below, "plain", staticmethod(lambda: 30))
    replacements.replace(Below, "new", 40)
    assert (Below.inherited, Below.own, Below.plain(), Below.new) == (10, 200, 30, 40)
    replacements.restore()
    assert {name: value for name, value in vars(Below).items() if name != "__doc__"} == {
        name: value for name, value in before.items() if name != "__doc__"
    }
    assert Above.inherited == 1


def test_items_are_put_back_as_they_were():
    items = {"own": 1}
    replacements = Replacements()
    replacements.replace_item(items, "own", 10)
    replacements.replace_item(items, "new", 20)
    replacements.replace_item(items, "new", 30)
    assert items == {"own": 10, "new": 30}
    replacements.restore()
    assert items == {"own": 1}
