import httpx
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from blueprints.answers import ProblemError, label, shown
from blueprints.targets import allow_list_of, parse_allow_list, parse_url


@pytest.mark.parametrize(
    ("entries", "url", "permitted"),
    [
        ("example.com", "http://example.com/", True),
        ("example.com", "https://EXAMPLE.com:8443/a?b", True),
        ("Example.com:8080", "http://example.com:8080/", True),
        ("example.com:8080", "http://example.com/", False),
        ("example.com:80", "http://example.com/", True),
        ("example.com:80", "https://example.com/", False),
        ("example.com:443", "https://example.com/", True),
        ("example.com", "http://example.com.evil.net/", False),
        ("example.com", "http://sub.example.com/", False),
        ("example.com", "http://example.com./", False),
        ("127.0.0.1", "http://2130706433/", False),
        ("[::1]:7071, other.org", "http://[::1]:7071/", True),
        ("[::1]:7071, other.org", "https://other.org/", True),
        ("", "http://example.com/", False),
        ("example.com", "http://example.com:99999999/", False),
        ("example.com", "ftp://example.com/", False),
        ("example.com", "ftp://example.com:80/", False),
        ("bücher.example", "http://xn--bcher-kva.example/", True),
        ("xn--bcher-kva.example", "http://Bücher.example/", True),
    ],
)
def test_allow_list_permits_by_host_and_port(entries: str, url: str, permitted: bool) -> None:
    assert parse_allow_list(entries).permits(httpx.URL(url)) is permitted


def test_allow_list_of_urls_holds_their_ports_only() -> None:
    allowed = allow_list_of([httpx.URL("http://localhost:7071/a"), httpx.URL("https://example.com/")])
    assert allowed.permits(httpx.URL("http://localhost:7071/b"))
    assert not allowed.permits(httpx.URL("http://localhost:7072/a"))
    assert not allowed.permits(httpx.URL("http://example.com/"))


@pytest.mark.parametrize(
    "entry",
    [
        *("http://example.com", "example.com/path", "user@example.com", "example.com:port", ":80"),
        *("xn--", "xn--a", "a..b", "[::1", "[v1.x]", "a\\b", "example.com:65536", "example.com?sig=k3y", "u:k3y@h"),
    ],
)
def test_allow_list_refuses_an_invalid_host(entry: str) -> None:
    with pytest.raises(ProblemError, match="FETCH_ALLOWED_HOSTS") as caught:
        parse_allow_list(f"localhost, {entry}")
    assert caught.value.status == 503
    assert "k3y" not in caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "/relative",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:password@example.com/",
        "http://example.com:99999999/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:port/",
        "http://exa mple.com/",
        "http://example.com\\@evil.net/",
        "http://[::1/",
        "http://example.com/" + "a" * 3000,
        "http://exam\x00ple.com/",
        "http://xn--/",
        "http://XN--a/",
        "http://xn--é/",
        "http://a..b/",
        "http://.../",
        f"http://{'a' * 64}.com/",
        "http://\u200d/",
        "http://%00/",
        "http://a%20b/",
        "http://a\\b/",
        "http://[]/",
        "http://[v1.x]/",
        "http://::1/",
        "http://[::1%25eth0]/",
        "http://user:password@xn--/",
        "http://user:pass/word@example.com/password@",
        "http://user:pass?word#password@example.com:port/",
        "user:password@example.com",
        "http://example.com:port/?sig=password",
        "ftp://example.com/#password",
    ],
)
def test_parse_url_refuses(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_url(text, named="url")
    assert caught.value.status == 400
    assert caught.value.detail.startswith("url ")
    assert "password" not in caught.value.detail.replace("user name or password", "")


_PIECES = st.sampled_from(
    [
        *"ab1:@/?#[]%.-\\ é",
        "xn--",
        "http://",
        "https://",
        "::1",
        "80",
        "65536",
        "99999999999",
        "//",
        "\u200d",
        "%00",
        "k3y",
    ]
)


@given(st.lists(_PIECES, max_size=8).map("".join), st.sampled_from(["", "http://"]))
def test_any_text_is_a_url_that_can_be_checked_or_a_bad_request(text: str, scheme: str) -> None:
    try:
        url = parse_url(scheme + text, named="url")
    except ProblemError as problem:
        event(f"refused with {problem.status.value}")
        return
    assert url.host
    assert allow_list_of([url]).permits(url)
    socket_host = url.raw_host.decode()
    assert socket_host.encode("idna")  # as the resolver does with every name


@given(st.lists(_PIECES, max_size=6).map("".join), st.lists(_PIECES, max_size=6).map("".join))
def test_no_text_after_a_question_mark_is_shown(before: str, after: str) -> None:
    assert "5ecret" not in label(f"http://{before}?{after}5ecret{after}")
    assert "5ecret" not in shown(f"http://{before}?{after}5ecret")
    assert "5ecret" not in shown([f"http://{before}?{after}5ecret"])
    with pytest.raises(ProblemError) as caught:
        parse_url(f"ftp://{before}?{after}5ecret", named="url")
    assert "5ecret" not in caught.value.detail


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/a", "http://h/a"),
        ("http://h/a?ms=50&n=1", "http://h/a?***"),
        ("http://h/a?code=k3y==", "http://h/a?***"),
        ("http://h/a?k3y", "http://h/a?***"),
        ("http://h/a#k3y", "http://h/a#***"),
        ("http://user:k3y@h/a", "http://***@h/a"),
        ("http://h/@b?c=d@e", "http://h/@b?***"),
    ],
)
def test_label_masks_what_may_be_secret(url: str, expected: str) -> None:
    assert label(url) == expected
