from functune.report.markup import Html, data_table, element, join


def test_element_escapes_text_and_attributes() -> None:
    found = element("a", "<b>&", href='"><script>', aria_label="it's", class_="x", title=None)
    assert found == ('<a href="&quot;&gt;&lt;script&gt;" aria-label="it&#x27;s" class="x">&lt;b&gt;&amp;</a>')


def test_element_keeps_markup() -> None:
    assert element("p", element("i", "a"), None, Html("<br>")) == "<p><i>a</i><br></p>"
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_join_gives_markup() -> None:
    assert isinstance(join("<", Html("<br>")), Html)
    assert join("<", Html("<br>")) == "&lt;<br>"


def test_table_has_caption_and_scopes() -> None:
    found = data_table("Caption", ["A", "B"], [["row", "1"]])
    assert "<caption>Caption</caption>" in found
    assert '<th scope="col">A</th><th scope="col">B</th>' in found
    assert '<th scope="row">row</th><td>1</td>' in found
