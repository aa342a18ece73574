import threading
import time
from email.utils import formatdate

import pytest

from tests.fake_sites import KEY, LOGIN_PAGE
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.sites import Sites
from webui.library.fetch.web import MAX_REDIRECTS, TRIES, Web, retry_after


class Pauses(list):
    """Notes pauses in place of waiting."""

    def __call__(self, stop, seconds):
        self.append(seconds)


def web_of(fake, key=None, pauses=None):
    return Web(fake.sites, lambda _: key, pauses if pauses is not None else Pauses())


def enums(fake, **options):
    return web_of(fake, **options).json(f"{fake.url}/api/v1/enums")


def cause_of(fake, answer, times=1, **options):
    fake.behave("/enums", answer, times)
    with pytest.raises(FetchRefused) as caught:
        enums(fake, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return caught.value.cause


def test_a_key_goes_to_its_site(fake):
    enums(fake, key=KEY)
    assert fake.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_key_never_goes_to_another_host(fake):
    other = f"http://localhost:{fake.port}/api/v1/enums"
    fake.behave("/enums", lambda handler: handler.redirect(other))
    assert "ModelType" in enums(fake, key=KEY)
    assert [("authorization" in seen.headers, seen.host.split(":")[0]) for seen in fake.seen] == [
        (True, "127.0.0.1"),
        (False, "localhost"),
    ]


def test_a_key_is_in_no_address(fake):
    enums(fake, key=KEY)
    assert KEY not in "".join(fake.paths())


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "ftp://x/y",
        "file:///etc/passwd",
        "https://[::1]/",
    ],
)
def test_a_redirect_into_a_private_network_is_not_followed(fake, target):
    assert cause_of(fake, lambda handler: handler.redirect(target)) == "private address"


def test_an_endless_redirect_ends(fake):
    around = lambda handler: handler.redirect(handler.path)  # noqa: E731 - an answer is a function
    assert cause_of(fake, around, times=100) == "unexpected"
    assert len(fake.seen) == MAX_REDIRECTS


def test_a_redirect_to_the_login_page_asks_for_a_key(fake):
    login = lambda handler: handler.redirect("/login?returnUrl=x")  # noqa: E731 - an answer is a function
    assert cause_of(fake, login) == "key needed"


STATUSES = {
    401: "key needed",
    403: "not allowed",
    404: "gone",
    410: "gone",
    451: "gone",
    400: "unexpected",
}


@pytest.mark.parametrize(("status", "cause"), STATUSES.items())
def test_a_refusal_is_told_by_its_cause_and_not_asked_again(fake, status, cause):
    assert cause_of(fake, lambda handler: handler.reply(status, {"error": "No"})) == cause
    assert len(fake.seen) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_early_access_is_told_whatever_status_it_comes_with(fake, status):
    told = {"error": "Early Access", "message": "This asset is in Early Access.", "deadline": "2027"}
    assert cause_of(fake, lambda handler: handler.reply(status, told)) == "early access"


def test_a_key_that_is_not_accepted_is_told_apart_from_none(fake):
    fake.behave("/enums", lambda handler: handler.reply(401, {"error": "Unauthorized"}))
    with pytest.raises(FetchRefused, match="does not accept your API key"):
        enums(fake, key="wrong")


def test_too_many_requests_are_asked_again_after_the_time_that_is_said(fake):
    pauses = Pauses()
    fake.behave("/enums", lambda handler: handler.reply(429, Retry_After="7"))
    fake.behave("/enums", lambda handler: handler.reply(429, Retry_After="900"))
    fake.behave("/enums", lambda handler: handler.reply(503))
    assert "ModelType" in enums(fake, pauses=pauses)
    assert pauses == [7, 30, 4]


def test_a_site_that_stays_busy_is_left_alone(fake):
    pauses = Pauses()
    busy = lambda handler: handler.reply(429)  # noqa: E731 - an answer is a function
    assert cause_of(fake, busy, times=100, pauses=pauses) == "too many requests"
    assert len(fake.seen) == TRIES
    assert pauses == [1, 2, 4, 8]


def test_a_date_to_come_back_at_is_understood():
    seconds = retry_after(formatdate(time.time() + 20, usegmt=True))
    assert seconds is not None
    assert 15 < seconds < 21
    assert retry_after("soon") is None


def test_a_page_in_place_of_an_answer_is_told(fake):
    page = lambda handler: handler.reply(200, LOGIN_PAGE, "text/html")  # noqa: E731 - an answer is a function
    assert cause_of(fake, page) == "login page"


def test_an_answer_that_is_cut_off_is_told(fake):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"a":')
        handler.close_connection = True

    assert cause_of(fake, cut) == "truncated"


def test_an_answer_without_an_end_is_not_read_to_it(fake):
    web = web_of(fake)
    fake.pictures["big"] = bytes(300_000)
    with pytest.raises(FetchRefused, match=r"more than 200\.0 kB"):
        web.bytes(f"{fake.url}/images/a/big", 200_000)


def test_a_host_that_does_not_exist_is_told():
    with pytest.raises(FetchRefused) as caught:
        Web(Sites(), lambda _: None).json("https://does-not-exist.invalid/x")
    assert caught.value.cause == "no connection"


def test_nothing_is_connected_before_the_first_question():
    before = threading.active_count()
    web = Web(Sites(), lambda _: None)
    assert web._client is None
    assert threading.active_count() == before
