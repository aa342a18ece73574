"""One budget for all networks: the longest unused goes, what is leased stays."""

import gc
from contextlib import ExitStack

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from torch import nn

from tests.models.moving import CountingMover
from webui.core.errors import OutOfMemory, UnusableFile
from webui.models.network_holder import Loading, NetworkHolder, NetworkLeases
from webui.models.residency import CPU, Offloading, Residency

BUDGET = 100


@pytest.fixture(scope="module", autouse=True)
def quick_collection():
    """What was there before need not be looked through for garbage each time, as in the server."""
    gc.freeze()
    yield
    gc.unfreeze()


class Weights:
    """Something of a size, which may change."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    def modules(self) -> list[nn.Module]:
        return []


def holder_of(budget: int = BUDGET, *, on_card: bool = False) -> NetworkHolder:
    if not on_card:
        return NetworkHolder(budget, Residency.of_device(CPU))
    # As a card: what is loaded is there, and could wait elsewhere.
    mover = CountingMover(starts_there=True)
    return NetworkHolder(budget, Residency(mover, torch.device("cpu", 0), Offloading.NONE))


def take(holder: NetworkHolder, name: str, size: int) -> Weights:
    with holder.lease(name, lambda _: Weights(size), Loading(name, size)) as value:
        return value


class Leasing(RuleBasedStateMachine):
    """Any order of leases and returns."""

    def __init__(self) -> None:
        super().__init__()
        self.holder = holder_of(on_card=True)
        self.open: list[tuple[str, Weights, ExitStack]] = []
        self.last: list[Weights] = []

    @rule(name=st.sampled_from("abcdefgh"), size=st.integers(1, 60))
    def lease(self, name: str, size: int) -> None:
        before = {id(value) for _, value, _ in self.open}
        stack = ExitStack()
        value = stack.enter_context(self.holder.lease(name, lambda _: Weights(size), Loading(name, size)))
        self.open.append((name, value, stack))
        assert before <= set(map(id, self.holder.values()))
        # Room was made at once, for what can be let go.
        leased = {id(each) for _, each, _ in self.open}
        assert self.holder.used_bytes <= BUDGET or {*map(id, self.holder.values())} <= leased

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.open) - 1))
        self.open.pop(place)[2].close()

    @precondition(lambda self: self.open)
    @rule(data=st.data(), size=st.integers(1, 60))
    def grow(self, data: st.DataObject, size: int) -> None:
        self.open[data.draw(st.integers(0, len(self.open) - 1))][1].size_bytes = size

    @rule()
    def free(self) -> None:
        self.holder.free_unused()
        assert len(self.holder.values()) == len({name for name, _, _ in self.open})

    @invariant()
    def what_is_leased_is_held_once(self) -> None:
        held = list(map(id, self.holder.values()))
        assert {id(value) for _, value, _ in self.open} <= set(held)
        assert self.holder.used_bytes == sum(each.size_bytes for each in self.holder.values())

    def teardown(self) -> None:
        for _, _, stack in self.open:
            stack.close()
        self.holder.clear()
        assert not self.holder.values()


TestLeasing = Leasing.TestCase
TestLeasing.settings = settings(max_examples=40, stateful_step_count=20)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, BUDGET)), max_size=30))
def test_what_nobody_leases_is_never_more_than_the_budget(uses):
    holder = holder_of(on_card=True)
    for name, size in uses:
        value = take(holder, name, size)
        assert holder.used_bytes <= max(BUDGET, value.size_bytes)
        assert holder.values()[-1] is value


def test_room_is_made_before_a_card_loads_and_only_afterwards_in_the_processors_memory():
    seen = {}
    for on_card in (True, False):
        holder = holder_of(on_card=on_card)
        take(holder, "one", 60)

        def load(_, holder=holder, on_card=on_card):
            seen[on_card] = len(holder.values())
            return Weights(60)

        with holder.lease("two", load, Loading("two", 60)):
            assert len(holder.values()) == 1
    assert seen == {True: 0, False: 1}


def test_what_fails_to_load_leaves_the_others():
    holder = holder_of()
    one = take(holder, "one", 60)

    def fail(_):
        raise UnusableFile("damaged")

    with pytest.raises(UnusableFile), holder.lease("two", fail, Loading("two", 60)):
        pass
    assert holder.values() == [one]


def test_where_loading_runs_out_of_memory_all_that_is_idle_goes_and_it_is_tried_again():
    holder, tried, cleared = holder_of(10**6), [], []
    holder.add_cache(lambda: cleared.append(True))
    take(holder, "idle", 60)
    with holder.lease("used", lambda _: Weights(1), Loading("used", 1)):

        def load(place):
            tried.append(place)
            if len(holder.values()) > 1:
                raise torch.OutOfMemoryError("no room")
            return Weights(60)

        with holder.lease("new", load, Loading("new", 60)):
            assert len(holder.values()) == 2
    assert len(tried) == 2
    assert cleared


def test_what_is_too_large_for_the_card_as_a_whole_is_loaded_beside_it():
    places = []

    def load(place):
        places.append(place)
        if place != CPU:
            raise torch.OutOfMemoryError("no room")
        return Weights(60)

    with holder_of(on_card=True).lease("new", load, Loading("new", 60)) as value:
        assert value.size_bytes == 60
    assert places == [torch.device("cpu", 0), CPU]


def test_what_fits_nowhere_is_refused_with_its_name_and_what_to_lower():
    def fail(_):
        raise MemoryError

    with (
        pytest.raises(OutOfMemory, match=r"huge\.safetensors does not fit.*--medvram"),
        holder_of().lease("huge", fail, Loading("huge.safetensors", 1)),
    ):
        pass


def test_where_what_is_leased_leaves_no_room_its_idle_parts_leave_the_card():
    layer = nn.Linear(4, 4)
    mover = CountingMover(starts_there=True)
    residency = Residency(mover, torch.device("cpu", 0), Offloading.NONE)
    holder, part = NetworkHolder(BUDGET, residency), residency.add([layer])
    before = layer.weight.clone()
    with holder.lease("base", lambda _: Weights(80), Loading("base", 80)) as base:
        with holder.lease("refiner", lambda _: Weights(60), Loading("refiner", 60)):
            assert base in holder.values()
            assert not part.is_on_device
        with part.using():
            assert torch.equal(layer.weight, before)


def test_one_that_is_dropped_while_leased_goes_when_it_is_given_back():
    holder = holder_of()
    with holder.lease("one", lambda _: Weights(1), Loading("one", 1)) as outer:
        with holder.lease("one", lambda _: Weights(1), Loading("one", 1)) as inner:
            assert inner is outer
            holder.drop("one")
        assert holder.values() == [outer]
    assert holder.values() == []


def test_a_job_gives_back_what_it_took():
    holder = holder_of(BUDGET)
    leases = NetworkLeases(holder)
    first = leases.take("a", lambda _: Weights(60), Loading("a", 60))
    assert leases.take("a", lambda _: Weights(60), Loading("a", 60)) is first
    take(holder, "b", 60)
    assert first in holder.values()
    leases.close()
    take(holder, "c", 60)
    assert first not in holder.values()
