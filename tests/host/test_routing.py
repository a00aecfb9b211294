"""The classic ASP.NET router: templates, order of matching, decoding of paths."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.host.route_templates import RouteError, parse_template
from functune.host.routing import RouteEntry, RouteTable
from functune.host.url_paths import decode_path


def table(*routes: tuple[str, str | None]) -> RouteTable[str]:
    """A table of (template, methods); every route leads to ``template methods``."""
    return RouteTable(
        RouteEntry(
            parse_template(text), None if methods is None else frozenset(methods.split()), f"{text} {methods or ''}"
        )
        for text, methods in routes
    )


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/health", "api/health", {}),
        ("api/health", "API/Health", {}),
        ("api/health", "api/health/", {}),
        ("api/health", "api/health//", None),
        ("api/health", "api//health", None),
        ("api/health", "api/healthy", None),
        ("api/health", "api", None),
        ("api/a.b+c", "api/aXb+c", None),
        ("api/straße", "api/STRASSE", None),
        ("api/{id}", "api/7", {"id": "7"}),
        ("api/{id}", "api/a b", {"id": "a b"}),
        ("api/{id}", "api/a%2Fb", {"id": "a%2Fb"}),
        ("api/{id}", "api/a\nb", {"id": "a\nb"}),
        ("api/{id}", "api/7/", {"id": "7"}),
        ("api/{id}", "api/7//", None),
        ("api/{id}", "api/", None),
        ("api/{id}", "api", None),
        ("api/{id}", "api/7/8", None),
        ("api/{id?}", "api/7", {"id": "7"}),
        ("api/{id?}", "api/", {}),
        ("api/{id?}", "api", {}),
        ("api/{id?}", "api//", None),
        ("api/{a?}/{b?}", "api/1/2", {"a": "1", "b": "2"}),
        ("api/{a?}/{b?}", "api/1", {"a": "1"}),
        ("api/{a?}/{b?}", "api", {}),
        ("api/{id?}/x", "api/7/x", {"id": "7"}),
        ("api/{id?}/x", "api/x", None),
        ("api/{id:int?}", "api", {}),
        ("api/{id:int?}", "api/x", None),
        ("api/{id=9}", "api", {"id": "9"}),
        ("api/{id=9}", "api/7", {"id": "7"}),
        ("api/{id:int=9}", "api", {"id": "9"}),
        ("{a=1}/{b=2}", "", {"a": "1", "b": "2"}),
        ("{a=1}/{b=2}", "x", {"a": "x", "b": "2"}),
        ("{a=1}/{b=2}", "/", None),
        ("api/{*rest}", "api/a/b/c", {"rest": "a/b/c"}),
        ("api/{*rest}", "api/a/b/", {"rest": "a/b/"}),
        ("api/{*rest}", "api/a//b", {"rest": "a//b"}),
        ("api/{*rest}", "api/", {}),
        ("api/{*rest}", "api", {}),
        ("api/{*rest}", "api//a", None),
        ("api/{*rest}", "apia", None),
        ("api/{*rest=x}", "api", {"rest": "x"}),
        ("api/{*rest:alpha}", "api/1", None),
        ("{*rest}", "", {}),
        ("{*rest}", "a/b", {"rest": "a/b"}),
        ("{*rest}", "/a", None),
        ("", "", {}),
        ("", "/", None),
        ("", "x", None),
        ("api/x-{id}", "api/x-7", {"id": "7"}),
        ("api/x-{id}", "api/X-7", {"id": "7"}),
        ("api/x-{id}", "api/x-", None),
        ("api/x-{id}", "api/x-x-7", None),
        ("api/x-{id}", "api/yx-7", None),
        ("api/{a}-{b}", "api/x-y-", {"a": "x", "b": "y-"}),
        ("api/{a}-{b}", "api/-y", None),
        ("api/{a}-{b}-{c}", "api/--x-", None),
        ("api/{a}-{b}-{c}", "api/-----", {"a": "-", "b": "-", "c": "-"}),
        ("api/{a}İ{b}", "api/xİİy", {"a": "xİ", "b": "y"}),
        ("api/{a:int}-{b}", "api/x-7", None),
        ("api/{id}-x", "api/7-x-x", {"id": "7-x"}),
        ("api/{a}-{b}", "api/x-y-z", {"a": "x-y", "b": "z"}),
        ("api/{name}.{extension?}", "api/file.txt", {"name": "file", "extension": "txt"}),
        ("api/{name}.{extension?}", "api/file.tar.gz", {"name": "file.tar", "extension": "gz"}),
        ("api/{name}.{extension?}", "api/file", {"name": "file"}),
        ("api/{name}.{extension?}", "api/.env", {"name": ".env"}),
        ("api/{name}.{extension?}", "api/file.", None),
        ("api/{name}.{extension?}", "api", None),
        ("api/.{extension?}", "api/.txt", {"extension": "txt"}),
        ("api/.{extension?}", "api/", None),
        ("api/{name}.{extension?}", "api/a.b.", {"name": "a", "extension": "b."}),
        ("api/v{a}-{name}.{extension?}", "api/v1-x-file.txt", {"a": "1-x", "name": "file", "extension": "txt"}),
        ("~/api/{id}", "api/7", {"id": "7"}),
        ("/api/{id}", "api/7", {"id": "7"}),
        ("api/", "api", {}),
        ("api/{{x}}", "api/{x}", {}),
        (r"api/{zip:regex(^\d{{5}}$)}", "api/12345", {"zip": "12345"}),
        (r"api/{zip:regex(^\d{{5}}$)}", "api/123456", None),
        ("api/{x:regex(^(a|b)$)}", "api/b", {"x": "b"}),
        ("api/{x:regex(a/b)}", "api/ab", None),
        ("api/{n:int:min(1)}", "api/0", None),
        ("api/{n:int:min(1)}", "api/1", {"n": "1"}),
        ("api/{n:int}", "api/" + "9" * 5000, None),
    ],
)
def test_template_matches(template: str, path: str, values: dict[str, str] | None) -> None:
    found = table((template, None)).match("GET", f"/{path}")
    assert (found and found[1]) == values


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("api//x", "two separators '/' follow each other: .*AsgiFunctionApp .* needs extensions.http.routePrefix"),
        ("api/{id:integer}", "the constraint 'integer' is not known; there are alpha, "),
        ("api/{id", "a brace in '{id' is not closed"),
        ("api/id}", "'}' stands outside a parameter"),
        ("api/{}", "'' is not a parameter name"),
        ("api/{a}{b}", "two parameters follow each other"),
        ("api/{id}/{ID}", "the parameter 'id' appears twice"),
        ("api/{*rest}/x", "'rest' must be the whole last segment"),
        ("api/x{*rest}", "'rest' must be the whole last segment"),
        ("api/{*rest?}", "'rest' cannot be marked optional"),
        ("api/{a}.{id?}.{b}", "'id' must come last in its segment"),
        ("api/x{id?}", r"'id' may only follow a '\.'"),
        ("api/{id=5?}", "'id' is optional and has a default"),
        ("api/{id:min(x)}", r"'min\(x\)' takes 1 whole number"),
        ("api/{id:min(1}", r"'min\(1' are not closed"),
        ("api/*", r"'\*' stands outside a parameter"),
        ("api/x?y", r"'\?' stands outside a parameter"),
    ],
)
def test_template_that_is_not_valid_names_itself_and_the_reason(template: str, reason: str) -> None:
    with pytest.raises(RouteError, match=reason) as refused:
        parse_template(template)
    assert f"'{template}'" in str(refused.value)


def test_segment_with_many_parameters_is_matched_in_linear_time() -> None:
    """Backtracking through the places of four hyphens among thousands would take hours."""
    routes = table(("{a}-{b}-{c}-{d}.x", None))
    assert routes.match("GET", "/" + "-" * 60_000) is None
    assert routes.match("GET", "/" + "-" * 60_000 + ".x") is not None


def test_table_takes_the_first_match_and_not_the_most_specific() -> None:
    routes = table(("api/{id}", None), ("api/health", None))
    assert routes.match("GET", "/api/health") == ("api/{id} ", {"id": "health"})


def test_table_searches_on_after_a_method_or_a_constraint_that_does_not_fit() -> None:
    routes = table(("api/{id:int}", "GET"), ("api/{id}", "POST"), ("api/{name}", "GET HEAD"))
    assert routes.match("POST", "/api/7") == ("api/{id} POST", {"id": "7"})
    assert routes.match("GET", "/api/x") == ("api/{name} GET HEAD", {"name": "x"})
    assert routes.match("HEAD", "/api/7") == ("api/{name} GET HEAD", {"name": "7"})
    assert routes.match("PUT", "/api/7") is None


def test_route_without_methods_takes_all_and_one_with_an_empty_list_none() -> None:
    assert table(("x", None)).match("BREW", "/x") is not None
    assert table(("x", "")).match("GET", "/x") is None


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/api/plain", "/api/plain"),
        ("/a%20b", "/a b"),
        ("/caf%C3%A9", "/café"),
        ("/a+b", "/a+b"),
        ("/a%2Fb%2fc", "/a%2Fb%2fc"),
        ("/%C3%A9%2F%C3%A9", "/é%2Fé"),
        ("/a%FFb", "/a%FFb"),
        ("/a%ffb", "/a%ffb"),
        ("/%e2%82%ac%e2%82x", "/€%e2%82x"),
        ("/%ED%A0%80", "/%ED%A0%80"),
        ("/50%", "/50%"),
        ("/%zz", "/%zz"),
        ("/%252F", "/%2F"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/../../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/.", "/a/b/"),
        ("/..", "/"),
        ("/.hidden/x..y/...", "/.hidden/x..y/..."),
    ],
)
def test_path_is_decoded_as_by_kestrel(raw: str, decoded: str) -> None:
    assert decode_path(raw) == decoded


@pytest.mark.parametrize("raw", ["/%00", "/a%00b", "/a/../%00"])
def test_path_with_a_null_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match="%00"):
        decode_path(raw)


segment_texts = st.text("abcXYZ019_-!é€ .", min_size=1, max_size=8)
value_texts = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(
    st.lists(
        st.one_of(st.tuples(st.just("literal"), segment_texts), st.tuples(st.just("value"), value_texts)),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_template_gives_back_the_values_a_path_was_built_from(parts: list[tuple[str, str]], slash: bool) -> None:
    values = {f"p{index}": text for index, (kind, text) in enumerate(parts) if kind == "value"}
    template = "/".join(f"{{p{index}}}" if kind == "value" else text for index, (kind, text) in enumerate(parts))
    path = "/" + "/".join(text for _, text in parts) + ("/" if slash else "")
    assert table((template, None)).match("GET", path) == (f"{template} ", values)


@given(st.lists(value_texts.filter(lambda text: text not in {".", ".."}), min_size=1, max_size=4))
def test_path_survives_encoding_and_decoding(segments: list[str]) -> None:
    raw = "/" + "/".join(quote(segment, safe="") for segment in segments)
    assert decode_path(raw) == "/" + "/".join(segments)


@given(st.text(st.characters(exclude_characters="\0")) | st.text("%0aAfF2./x"))
def test_decoding_any_path_raises_on_a_null_alone(raw: str) -> None:
    if "%00" in raw:
        with pytest.raises(ValueError, match="%00"):
            decode_path(f"/{raw}")
    else:
        assert decode_path(f"/{raw}").startswith("/")


everything = table(
    ("a/{n:int}", None),
    ("a/{d:datetime}/{f:float?}", None),
    ("{a}-{b}/{name}.{extension?}", None),
    ("{x:regex(^(a+)$)}/{y=1}/{z?}", "GET"),
    ("literal", None),
    ("{*rest:length(3,5)}", "POST"),
)


@given(st.sampled_from(["GET", "POST", ""]), st.text(st.characters(exclude_categories=["Cs"])))
def test_matching_any_path_never_raises(method: str, path: str) -> None:
    found = everything.match(method, f"/{path}")
    assert found is None or all(value for value in found[1].values())
