"""Through the proxy of a company, made of a socket on this machine."""

import base64
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.arriving_files import lora
from tests.fake_sites import FakeFile, FakeSites, FakeVersion
from webui.library.fetch import connections
from webui.library.fetch.proxies import Proxies, is_meant, is_name_of_the_internet
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.sites import Sites
from webui.library.fetch.transfer import RemoteFile, Transfer
from webui.library.fetch.web import Web


@dataclass
class LoopbackProxy:
    """Leads plain requests on, and answers CONNECT with a status."""

    connect_status: int = 403
    login: str = ""
    seen: list[str] = field(default_factory=list)

    def __enter__(self) -> "LoopbackProxy":
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_CONNECT(self):
                proxy.seen.append(f"CONNECT {self.path}")
                self.send_error(proxy.connect_status)

            def do_GET(self):
                proxy.seen.append(self.path)
                wanted = f"Basic {base64.b64encode(proxy.login.encode()).decode()}"
                if proxy.login and self.headers.get("proxy-authorization") != wanted:
                    self.send_error(407)
                    return
                target = urlsplit(self.path)
                # The name is the proxy's to resolve: here all of them lie on this machine.
                connection = HTTPConnection("127.0.0.1", target.port or 80)
                headers = {key: value for key, value in self.headers.items() if key != "Proxy-Authorization"}
                connection.request("GET", f"{target.path}?{target.query}", headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def proxy() -> Iterator[LoopbackProxy]:
    with LoopbackProxy() as made:
        yield made


def through(proxy: LoopbackProxy, sites: Sites, **more: str) -> Web:
    environment = {"HTTPS_PROXY": f"http://{proxy.address}", "HTTP_PROXY": f"http://{proxy.address}"}
    return Web(sites, lambda _: None, lambda *_: None, Proxies.of(environment | more))


def cause_of(web: Web, url: str) -> tuple[str, str]:
    with pytest.raises(FetchRefused) as caught:
        web.json(url)
    return caught.value.cause, str(caught.value)


def test_a_file_comes_through_the_proxy_with_its_redirects(
    proxy: LoopbackProxy, tmp_path: Path, fake: FakeSites
):
    data = lora()
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", data)]))
    web = through(proxy, fake.sites)
    url = f"{fake.url}/api/download/models/5"
    path = tmp_path / "cat.safetensors"
    source = RemoteFile(url, path.name, len(data))
    Transfer(web, source, path, threading.Event(), lambda *_: None, lambda *_: None).run()
    assert path.read_bytes() == data
    assert [urlsplit(seen).path for seen in proxy.seen] == ["/api/download/models/5", "/storage/5/0"]


def test_the_target_is_given_to_the_proxy_by_name_even_if_it_is_not_known_here(proxy, monkeypatch):
    monkeypatch.setattr(connections.socket, "getaddrinfo", only_for(proxy))
    cause, sentence = cause_of(through(proxy, Sites()), "https://models.example/api/v1/enums")
    assert proxy.seen == ["CONNECT models.example:443"]
    assert cause == "no connection"
    assert "proxy" in sentence


def only_for(proxy: LoopbackProxy):
    """A resolver that knows the proxy and nothing else, as in networks that have no other."""
    real = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        if host == "127.0.0.1":
            return real(host, *arguments, **options)
        raise socket.gaierror

    return resolve


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "localhost", "2130706433", "0x7f000001",
        "intranet", "wiki.corp", "metadata.google.internal", "printer.local",
    ],
)  # fmt: skip
def test_nothing_private_is_asked_of_the_proxy(proxy: LoopbackProxy, host: str):
    cause, _ = cause_of(through(proxy, Sites()), f"https://{host}/x")
    assert cause == "private address"
    assert proxy.seen == []


def test_a_redirect_into_the_private_network_is_not_asked_of_the_proxy(proxy: LoopbackProxy, fake: FakeSites):
    fake.behave("/enums", lambda handler: handler.redirect("https://169.254.169.254/latest/meta-data"))
    cause, _ = cause_of(through(proxy, fake.sites), f"{fake.url}/api/v1/enums")
    assert cause == "private address"
    assert [urlsplit(seen).path for seen in proxy.seen] == ["/api/v1/enums"]


def test_a_name_that_means_a_private_address_is_not_asked_of_the_proxy(proxy: LoopbackProxy, monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(connections.socket, "getaddrinfo", lambda *_, **__: answer)
    assert cause_of(through(proxy, Sites()), "https://inner.example/x")[0] == "private address"
    assert proxy.seen == []


def test_a_proxy_that_wants_a_login_is_told_apart(proxy: LoopbackProxy, monkeypatch):
    proxy.connect_status = 407
    monkeypatch.setattr(connections.socket, "getaddrinfo", only_for(proxy))
    cause, sentence = cause_of(through(proxy, Sites()), "https://models.example/x")
    assert cause == "no connection"
    assert "wants a login" in sentence


def test_a_login_in_the_address_is_given_to_the_proxy_alone(proxy: LoopbackProxy, fake: FakeSites):
    proxy.login = "ann:p@ss"
    web = through(proxy, fake.sites, HTTP_PROXY=f"http://ann:p%40ss@{proxy.address}")
    assert "ModelType" in web.json(f"{fake.url}/api/v1/enums")
    assert all("proxy-authorization" not in seen.headers for seen in fake.seen)


def test_hosts_of_no_proxy_are_asked_directly(proxy: LoopbackProxy, fake: FakeSites):
    web = through(proxy, fake.sites, NO_PROXY="127.0.0.0/8, localhost")
    assert "ModelType" in web.json(f"{fake.url}/api/v1/enums")
    assert proxy.seen == []
    # Without the proxy the guard is as ever.
    web = through(proxy, Sites(), NO_PROXY="*")
    assert cause_of(web, "https://10.0.0.1/x")[0] == "private address"


def test_a_proxy_that_is_not_there_is_told_in_a_sentence(fake: FakeSites):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = Web(fake.sites, lambda _: None, lambda *_: None, Proxies.of({"http_proxy": f"127.0.0.1:{port}"}))
    assert cause_of(web, f"{fake.url}/x")[0] == "no connection"


@pytest.mark.parametrize(
    "address", ["socks5://127.0.0.1:1080", "http://:secret@", "http://proxy:99999", "ftp://x:1"]
)
def test_a_proxy_of_another_kind_is_refused_without_repeating_its_address(fake: FakeSites, address: str):
    web = Web(fake.sites, lambda _: None, lambda *_: None, Proxies.of({"HTTP_PROXY": address}))
    cause, sentence = cause_of(web, f"{fake.url}/x")
    assert (cause, address in sentence) == ("no connection", False)


@pytest.mark.parametrize(
    ("entry", "host", "expected"),
    [
        ("*", "civitai.com", True),
        ("civitai.com", "civitai.com", True),
        (".civitai.com", "image.civitai.com", True),
        ("*.civitai.com", "image.civitai.com", True),
        ("civitai.com", "notcivitai.com", False),
        ("civitai.com:443", "civitai.com", True),
        ("civitai.com:80", "civitai.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("::1", "::1", True),
        (".", "civitai.com", False),
    ],
)
def test_no_proxy_means_what_other_programs_take_it_for(entry: str, host: str, expected: bool):
    assert is_meant(entry, host, 443) is expected


def test_names_in_small_letters_come_first_and_one_variable_may_be_for_all():
    both = Proxies.of(
        {"https_proxy": "http://small:1", "HTTPS_PROXY": "http://large:1", "ALL_PROXY": "all:9"}
    )
    assert both.by_scheme == {"https": "http://small:1", "http": "all:9"}
    assert Proxies.of({}).find("https", "civitai.com", 443) is None


def test_names_of_the_internet_are_told_from_others():
    assert is_name_of_the_internet("civitai.com")
    assert is_name_of_the_internet("xn--bcher-kva.xn--p1ai")
    assert not is_name_of_the_internet("router.home.arpa")
    assert not is_name_of_the_internet("1.2.3.4")
