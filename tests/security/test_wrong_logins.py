"""Guessing passwords: ten a minute from one address, at the page and the API; others are not concerned."""

import asyncio
import base64

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from webui.api.wrong_logins import MOST_WRONG, WAIT_S, WINDOW_S, WrongLogins, key_of
from webui.core.flags import read_flags
from webui.main import build_app, build_services

RIGHT, WRONG = ("ann", "red"), ("ann", "rde")


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def app(tmp_path):
    folders = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")]
    flags, _ = read_flags([*folders, "--gradio-auth", "ann:red"])
    return build_app(build_services(flags, tmp_path))


def client(app, address: str = "10.0.0.1") -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1", client=(address, 5000))


def login(visitor: TestClient, account: tuple[str, str]):
    return visitor.post("/login", data={"username": account[0], "password": account[1]})


def ask(visitor: TestClient, account: tuple[str, str] | None = None):
    return visitor.get("/sdapi/v1/cmd-flags", auth=account)


def check_refusal(answer) -> None:
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= WAIT_S
    assert (
        answer.json()["detail"].startswith("Too many wrong passwords") and "Wait" in answer.json()["detail"]
    )


def test_after_ten_wrong_ones_an_address_waits_at_both_doors_and_others_do_not(app):
    opened = client(app)
    login(opened, RIGHT).raise_for_status()
    guesser = client(app)
    # Whoever sends no password guesses none, and right ones do not count.
    assert {ask(guesser).status_code for _ in range(30)} == {401}
    assert {ask(guesser, RIGHT).status_code for _ in range(30)} == {200}
    for _ in range(MOST_WRONG // 2):
        assert login(guesser, WRONG).status_code == 400
        assert ask(guesser, WRONG).status_code == 401
    check_refusal(login(guesser, WRONG))
    check_refusal(ask(guesser, WRONG))
    # Else a guess would still tell whether it is right.
    check_refusal(ask(guesser, RIGHT))
    check_refusal(login(guesser, RIGHT))
    assert ask(guesser).status_code == 401
    # A page that is open goes on, also from the same address and whatever else its browser sends.
    assert opened.get("/v1/presets").status_code == 200
    assert opened.get("/v1/presets", auth=("a proxy's", "own")).status_code == 200
    elsewhere = client(app, "10.0.0.2")
    assert ask(elsewhere, RIGHT).status_code == 200
    assert login(elsewhere, RIGHT).status_code == 200


def test_an_open_page_behind_a_login_of_its_proxy_is_never_taken_for_a_guesser(app):
    opened = client(app)
    login(opened, RIGHT).raise_for_status()
    answers = {opened.get("/v1/presets", auth=("a proxy's", "own")).status_code for _ in range(30)}
    assert answers == {200}


def test_guesses_that_are_sent_at_once_count_before_they_are_answered(app):
    async def send_all() -> list[int]:
        from httpx import ASGITransport, AsyncClient

        transport = ASGITransport(app, client=("10.0.0.3", 5000))
        async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as guesser:
            form = {"username": "ann", "password": "rde"}
            answers = await asyncio.gather(*(guesser.post("/login", data=form) for _ in range(40)))
        return [answer.status_code for answer in answers]

    statuses = asyncio.run(send_all())
    assert statuses.count(400) == MOST_WRONG and statuses.count(429) == 40 - MOST_WRONG


def test_without_accounts_nothing_is_counted(tmp_path):
    folders = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")]
    flags, _ = read_flags([*folders])
    visitor = client(build_app(build_services(flags, tmp_path)))
    assert {ask(visitor, WRONG).status_code for _ in range(30)} == {200}


def test_the_wait_ends_and_slow_typing_is_no_guessing():
    clock = Clock()
    logins = WrongLogins(clock)
    for _ in range(100):
        logins.note("a")
        assert not logins.wait_s("a")
        clock.now += WINDOW_S / (MOST_WRONG - 1) + 0.1
    for _ in range(MOST_WRONG):
        logins.note("a")
    assert logins.wait_s("a") == WAIT_S
    assert not logins.wait_s("b")
    clock.now += WAIT_S - 0.5
    assert logins.wait_s("a") == 1
    clock.now += 0.5
    assert logins.wait_s("a") == 0
    logins.note("a")
    assert logins.wait_s("a") == 0


@given(st.lists(st.ip_addresses(), min_size=50, max_size=200))
def test_memory_is_bounded_whatever_comes(addresses):
    logins = WrongLogins(Clock(), most_addresses=20)
    for address in addresses:
        for _ in range(30):
            logins.note(str(address))
    assert len(logins) <= 20
    assert logins.wait_s(str(addresses[-1])) > 0


def test_one_network_of_ipv6_is_one_address_and_ipv4_is_one_however_it_is_written():
    assert key_of("2001:db8:1:2::1") == key_of("2001:db8:1:2:ffff::9") != key_of("2001:db8:1:3::1")
    assert key_of("::ffff:10.0.0.1") == key_of("10.0.0.1") != key_of("10.0.0.2")
    assert key_of("fe80::1%eth0") == key_of("fe80::2")
    assert len(key_of("x" * 10_000)) < 100 and key_of("") == ""


def test_right_ones_are_taken_back():
    logins = WrongLogins(Clock())
    for _ in range(MOST_WRONG * 2):
        logins.note("a")
        logins.take_back("a")
    assert len(logins) == 0 and not logins.wait_s("a")


def test_an_account_in_any_spelling_of_basic_counts(app):
    visitor = client(app, "10.0.0.9")
    text = base64.b64encode(b"ann:rde").decode()
    for scheme in ("Basic", "basic", "Bearer", "BASIC", "x") * 2:
        answer = visitor.get("/sdapi/v1/cmd-flags", headers={"Authorization": f"{scheme} {text}"})
        assert answer.status_code == 401
    check_refusal(ask(visitor, RIGHT))
