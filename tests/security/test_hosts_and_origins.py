"""Host and Origin headers in every shape: what is answered, by which server, to whose page."""

import asyncio
import base64
import ipaddress
import string

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from tests.security.asgi import Answer, Headers, ask, scope_of
from webui.api.access import GuardRules, describe_access
from webui.api.app import build_api
from webui.api.guard import Guard
from webui.api.hosts import Host, Origin
from webui.core.flags import WrongFlag, read_flags
from webui.main import build_services

HERE = ("Host", "127.0.0.1:7860")
LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10)
NAMES = st.lists(LABEL, min_size=2, max_size=4).map(".".join)


def asks(headers: Headers, *arguments: str, path: str = "/sdapi/v1/options", method: str = "GET") -> Answer:
    """What the guard of a server with these flags says; 299 where it lets the request pass."""
    flags, _ = read_flags(arguments)
    guard = Guard(PlainTextResponse("passed", 299), GuardRules.of(flags))
    app = Starlette()
    # A page that asks nobody to log in.
    app.state.knows_page_user = lambda cookies: True
    return asyncio.run(ask(guard, scope_of(app, method, path, headers)))


def answers_to(host: str, *arguments: str) -> bool:
    status = asks([("Host", host)], *arguments).status
    assert status in (299, 403)
    return status == 299


LOOPBACK = [
    *("localhost", "localhost:7860", "LocalHost:7860", "localhost.:7860", "my.localhost", "a.b.localhost:1"),
    *("127.0.0.1", "127.0.0.1:7860", "127.0.0.1.:7860", "127.8.9.10:80", "[::1]", "[::1]:7860", "127.0.0.1:"),
    "[::ffff:127.0.0.1]:7860",
]
ADDRESSES = [
    "192.168.1.5:7860",
    "10.0.0.1",
    "8.8.8.8:7860",
    "0.0.0.0:7860",
    "[fe80::1]:7860",
    "[2001:db8::1]",
]
FOREIGN = [
    *(
        "evil.example",
        "evil.example:7860",
        "127.0.0.1.nip.io:7860",
        "localhost.evil.example",
        "evil-localhost",
    ),
    *(
        "127.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.1.",
        "127.0.0.1..",
        "017700000001",
        "1.2.3",
        "xlocalhost:7860",
    ),
]
NO_HOSTS = [
    *(
        "",
        " ",
        "127.0.0.1:7860@evil.example",
        "user@127.0.0.1",
        "user:pass@localhost",
        "127.0.0.1/evil",
        "[::1",
    ),
    *(
        "::1",
        "[127.0.0.1]",
        "[::1]x",
        "127.0.0.1:99999",
        "127.0.0.1:7860:80",
        "127.0.0.1 evil.example",
        "[evil]",
    ),
    *(
        "127.0.0.1,evil.example",
        "127.0.0.1#x",
        "127.0.0.1?x",
        "http://127.0.0.1",
        "..localhost",
        ".",
        "[fe80::1%25eth0]",
    ),
    *(
        "evil.example\\@localhost",
        "lo\xe4calhost",
        "localhost\t",
        "127.0.0.1:-1",
        "127.0.0.1:+80",
        "%6cocalhost",
    ),
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_names_of_this_very_machine_are_always_answered(host):
    assert answers_to(host)
    assert answers_to(host, "--listen")


@pytest.mark.parametrize("host", ADDRESSES)
def test_addresses_are_answered_where_others_may_come(host):
    assert answers_to(host, "--listen")
    assert answers_to(host, "--server-name", "192.168.1.5")
    assert not answers_to(host)


@pytest.mark.parametrize("arguments", [[], ["--listen"], ["--server-name", "0.0.0.0"], ["--subpath", "sd"]])
@pytest.mark.parametrize("host", [name for name in FOREIGN if name != "127.0.0.1."] + NO_HOSTS)
def test_other_names_are_not_answered(host, arguments):
    assert not answers_to(host, *arguments)


@given(NAMES)
def test_no_name_is_answered_that_others_can_have(name):
    assert answers_to(name) == (name.endswith(".localhost") or is_loopback(name))


@given(st.ip_addresses(), st.integers(1, 65535))
def test_an_address_is_the_machine_itself_or_needs_listen(address, port):
    host = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    assert answers_to(host, "--listen")
    assert answers_to(host) == is_loopback(str(address))


def is_loopback(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40))
def test_any_text_as_host_and_origin_gets_an_answer_without_a_fault(text):
    assert asks([("Host", text)]).status in (299, 403)
    assert asks([HERE, ("Origin", text)]).status == 403


def test_a_request_needs_one_host():
    assert asks([]).status == 400
    assert asks([HERE, HERE]).status == 400
    assert asks([HERE, ("Host", "evil.example")]).status == 400


def test_the_owner_names_further_hosts():
    assert answers_to("my.example:7860", "--server-name", "my.example")
    assert answers_to("MY.example.:7860", "--server-name", "My.Example")
    assert answers_to("art.example", "--cors-allow-origins", "http://other.example,https://art.example/")
    assert answers_to("a7.example", "--cors-allow-origins-regex", r"https://a\d\.example")
    assert not answers_to("x.a7.example", "--cors-allow-origins-regex", r"https://a\d\.example")
    assert not answers_to("evil.example", "--cors-allow-origins", "*")


def test_a_machine_is_known_by_its_own_name_where_others_may_come(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Studio.home.arpa")
    for host in ("studio:7860", "studio.local", "studio.home.arpa:7860"):
        assert answers_to(host, "--listen")
        assert not answers_to(host)
    assert not answers_to("studio.evil.example", "--listen")


def test_a_forwarded_host_counts_behind_a_proxy_only_and_never_opens_more():
    evil = ("X-Forwarded-Host", "evil.example")
    good = ("X-Forwarded-Host", "art.example")
    proxy = ["--subpath", "sd", "--cors-allow-origins", "https://art.example"]
    assert asks([("Host", "evil.example"), ("X-Forwarded-Host", "127.0.0.1")], *proxy).status == 403
    assert asks([HERE, evil], *proxy).status == 403
    assert asks([HERE, good], *proxy).status == 299
    assert asks([HERE, ("X-Forwarded-Host", "art.example, evil.example")], *proxy).status == 403
    assert asks([HERE, evil, ("Origin", "http://evil.example")]).status == 403
    # Without --subpath it says nothing.
    assert asks([HERE, evil]).status == 299
    # With a login a proxy may have any name.
    login = ["--subpath", "sd", "--gradio-auth", "ann:red", "--api-auth", "a:b"]
    basic = ("Authorization", "Basic " + base64.b64encode(b"a:b").decode())
    assert asks([HERE, good, ("Origin", "https://art.example"), basic], *login).status == 299
    assert asks([HERE, good, ("Origin", "https://evil.example"), basic], *login).status == 403


def test_the_refusal_says_which_flag_helps(tmp_path):
    flags, _ = read_flags(["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")])
    client = TestClient(build_api(build_services(flags, tmp_path)), base_url="http://evil.example")
    answer = client.get("/sdapi/v1/samplers")
    assert answer.status_code == 403
    assert all(word in answer.json()["detail"] for word in ("evil.example", "--server-name", "--listen"))
    foreign = client.get(
        "/sdapi/v1/samplers", headers={"host": "127.0.0.1", "origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert "--cors-allow-origins" in foreign.json()["detail"]


@pytest.mark.parametrize(
    "origin", ["http://[", "null", "", "http://", "http://127.0.0.1:7860.evil.example", "x"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_an_origin_that_is_none_of_ours_is_refused(origin, method):
    assert asks([HERE, ("Origin", origin)], method=method).status == 403


@given(NAMES, st.integers(1, 65535), st.sampled_from(["http", "https"]))
def test_a_page_may_call_the_server_it_came_from_and_no_other(name, port, scheme):
    server = ["--cors-allow-origins", "https://friend.example"]
    own = f"{scheme}://127.0.0.1:{port}"
    assert asks([("Host", f"127.0.0.1:{port}"), ("Origin", own)], *server).status == 299
    assert asks([("Host", f"127.0.0.1:{port % 65535 + 1}"), ("Origin", own)], *server).status == 403
    assert asks([HERE, ("Origin", f"{scheme}://{name}:{port}")], *server).status == 403
    assert asks([HERE, ("Origin", "https://friend.example")], *server).status == 299
    assert asks([HERE, ("Origin", "https://friend.example:443")], *server).status == 299
    assert asks([HERE, ("Origin", "http://friend.example")], *server).status == 403


@given(NAMES, st.none() | st.integers(1, 65535))
def test_an_origin_is_read_as_it_is_written(name, port):
    text = f"https://{name}" + ("" if port is None else f":{port}")
    origin = Origin.parse(text)
    assert origin == Origin("https", Host(name, port))
    assert Origin.parse(str(origin)).is_at(Host(name, port or 443))


NAVIGATION = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
CROSS = ("Sec-Fetch-Site", "cross-site")


def test_a_link_from_another_site_leads_to_the_page_and_to_nothing_that_changes_something():
    for path in ("/", "/docs", "/file=outputs/x.png"):
        assert asks([HERE, CROSS, *NAVIGATION], path=path).status == 299
    for path in ("/logout", "/gradio_api/info", "/v1/cards", "/sdapi/v1/progress"):
        assert asks([HERE, CROSS, *NAVIGATION], path=path).status == 403
    assert asks([HERE, CROSS, *NAVIGATION], path="/", method="POST").status == 403
    assert asks([HERE, CROSS, NAVIGATION[0], ("Sec-Fetch-Dest", "iframe")], path="/").status == 403


def test_parts_of_other_sites_are_refused_unless_the_site_is_allowed():
    friend = ["--cors-allow-origins", "https://friend.example"]
    referer = ("Referer", "https://friend.example/gallery?x=1")
    for dest in ("image", "script", "style", "audio", "empty", "iframe"):
        part = [HERE, CROSS, ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", dest)]
        assert asks(part, path="/").status == 403
        assert asks([*part, referer], path="/").status == 403
        assert asks([*part, referer], *friend, path="/").status == 299
        assert (
            asks([*part, ("Referer", "https://evil.example/https://friend.example")], *friend).status == 403
        )
    assert asks([HERE, ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Dest", "image")]).status == 403
    assert asks([HERE, ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Dest", "image")]).status == 299
    assert asks([HERE, ("Sec-Fetch-Site", "none")]).status == 299


def test_only_allowed_sites_may_read_answers_and_none_as_somebody_else(tmp_path):
    def headers_for(origin: str, *arguments: str) -> dict[str, str]:
        folders = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")]
        flags, _ = read_flags([*folders, *arguments])
        client = TestClient(build_api(build_services(flags, tmp_path)), base_url="http://127.0.0.1:7860")
        return dict(client.get("/sdapi/v1/samplers", headers={"origin": origin}).headers)

    friend = headers_for("https://friend.example", "--cors-allow-origins", "https://Friend.example/")
    assert friend["access-control-allow-origin"] == "https://friend.example"
    assert friend["access-control-allow-credentials"] == "true"
    anybody = headers_for("https://evil.example", "--cors-allow-origins", "*")
    assert anybody["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in anybody
    evil = headers_for("https://evil.example", "--cors-allow-origins", "https://friend.example")
    assert "access-control-allow-origin" not in evil


def test_answers_may_not_be_framed_nor_guessed_at():
    headers = asks([HERE]).headers
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    friend = asks([HERE], "--cors-allow-origins", "https://friend.example").headers
    assert friend["content-security-policy"] == "frame-ancestors 'self' https://friend.example"


@pytest.mark.parametrize("spelling", ["utf-8", "latin-1"])
def test_accounts_may_have_any_letters(spelling):
    def status(text: str) -> int:
        basic = "Basic " + base64.b64encode(text.encode(spelling)).decode()
        return asks([HERE, ("Authorization", basic)], "--api-auth", "J\xfcrgen:gr\xfc\xdf:dich").status

    assert status("J\xfcrgen:gr\xfc\xdf:dich") == 299
    assert status("J\xfcrgen:gr\xfc\xdf:mich") == 401


@given(st.binary(max_size=40))
def test_any_bytes_as_authorization_are_wrong_and_no_fault(data):
    for value in (
        data.decode("latin-1").replace("\r", "").replace("\n", ""),
        base64.b64encode(data).decode(),
    ):
        assert asks([HERE, ("Authorization", f"Basic {value}")], "--api-auth", "bob:blue").status == 401


@pytest.mark.parametrize(
    "origins", ["example.com", "https://a.example/path", "https://u@a.example", "*.example"]
)
def test_an_origin_that_no_browser_sends_is_told_at_the_start(origins):
    with pytest.raises(WrongFlag, match="no origin"):
        read_flags(["--cors-allow-origins", origins])
    with pytest.raises(WrongFlag, match="regular expression"):
        read_flags(["--cors-allow-origins-regex", "("])


def test_the_start_says_what_could_surprise():
    def said(*arguments: str) -> str:
        return " ".join(describe_access(read_flags(arguments)[0]))

    assert said() == ""
    assert "--gradio-auth; --api-auth" in said("--gradio-auth", "ann:red")
    assert "no password" in said("--api-auth", "bob:blue")
    assert "Everybody" in said("--listen")
    assert said("--listen", "--gradio-auth", "a:b", "--api-auth", "c:d") == ""
    assert "every web site" in said("--cors-allow-origins", "*")
