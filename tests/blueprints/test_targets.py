import httpx
import pytest

from blueprints.answers import ProblemError
from blueprints.targets import allow_list_of, label, parse_allow_list, parse_url


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
    "entry", ["http://example.com", "example.com/path", "user@example.com", "example.com:port", ":80"]
)
def test_allow_list_refuses_what_is_no_host(entry: str) -> None:
    with pytest.raises(ProblemError, match="FETCH_ALLOWED_HOSTS") as caught:
        parse_allow_list(f"localhost, {entry}")
    assert caught.value.status == 503


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
    ],
)
def test_parse_url_refuses(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_url(text, named="url")
    assert caught.value.status == 400
    assert caught.value.detail.startswith("url ")
    assert "password" not in caught.value.detail.replace("user name or password", "")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/a?ms=50&n=1", "http://h/a?ms=50&n=1"),
        ("http://h/a?code=k3y==", "http://h/a?code=***"),
        ("http://h/a?x=1&CODE=k3y&y=2#f", "http://h/a?x=1&CODE=***&y=2#f"),
        ("http://h/a?sv=1&sig=k3y", "http://h/a?sv=1&sig=***"),
        ("http://user:k3y@h/a", "http://***@h/a"),
        ("http://h/a?barcode=7", "http://h/a?barcode=7"),
        ("http://h/@b?c=d@e", "http://h/@b?c=d@e"),
    ],
)
def test_label_masks_secrets(url: str, shown: str) -> None:
    assert label(url) == shown
