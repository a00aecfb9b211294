"""host.json and local.settings.json with what Newtonsoft forgives."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functune.host.relaxed_json import relaxed_loads

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, // to the end\n"b": 2}', {"a": 1, "b": 2}),
        ('/* before */ {"a": /* within\nlines */ 1}', {"a": 1}),
        ('{"a": [1, 2, ], }', {"a": [1, 2]}),
        ('{"a": 1, // last\n}', {"a": 1}),
        (
            '{"url": "https://a/*b*/", "text": ",]", "quote": "\\"//"}',
            {"url": "https://a/*b*/", "text": ",]", "quote": '"//'},
        ),
    ],
)
def test_comments_and_trailing_commas_are_forgiven(text: str, value: Any) -> None:
    assert relaxed_loads(text) == value


@settings(max_examples=50)
@given(JSON)
def test_plain_json_is_read_as_it_is(value: Any) -> None:
    assert relaxed_loads(json.dumps(value)) == value
    assert relaxed_loads(json.dumps(value, indent=2, ensure_ascii=False)) == value


@pytest.mark.parametrize("text", ["", "{", "[1,,]", "/* open", '{"a" 1}', "//"])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line 1 column"):
        relaxed_loads(text)


def test_error_names_the_line_as_written() -> None:
    with pytest.raises(ValueError, match="line 3 column 8"):
        relaxed_loads('{ // one\n /* two\n*/ "a" 1}')
