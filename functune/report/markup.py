"""HTML that takes no injection: every string is escaped unless it is Html already."""

from html import escape


class Html(str):
    """Markup. Any other string is text."""

    __slots__ = ()


type Content = Html | str | None

VOID_TAGS = {"meta", "br", "hr"}


def markup(content: Content) -> Html:
    """The content as markup: text is escaped, None is nothing."""
    if content is None:
        return Html("")
    return content if isinstance(content, Html) else Html(escape(content))


def join(*contents: Content) -> Html:
    """The contents, one after another."""
    return Html("".join(map(markup, contents)))


def element(tag: str, *contents: Content, **attributes: str | None) -> Html:
    """
    An element: ``element("a", "x < y", href="#top")`` is ``<a href="#top">x &lt; y</a>``.

    In attribute names ``_`` stands for ``-`` and a trailing one is dropped (``class_``). An attribute of None is
    omitted.
    """
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{pairs}>" if tag in VOID_TAGS else f"<{tag}{pairs}>{join(*contents)}</{tag}>")


def data_table(caption: Content, head: list[str], rows: list[list[Content]], *, class_: str | None = None) -> Html:
    """A table in a scroll region; the first cell of each row is the row's header."""
    header = element("tr", *(element("th", name, scope="col") for name in head))
    body = [
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    ]
    return scroll_region(
        element(
            "table",
            element("caption", caption),
            element("thead", header),
            element("tbody", *body),
            class_=class_,
        ),
        label=caption if isinstance(caption, str) and not isinstance(caption, Html) else "Table",
    )


def scroll_region(content: Html, *, label: str) -> Html:
    """A region that scrolls sideways, by keyboard as well, so that the page never has to."""
    return element("div", content, class_="scroll", role="region", tabindex="0", aria_label=label)


def without_control_characters(text: str) -> str:
    """The text without control characters, which XML 1.0 cannot hold even escaped."""
    return "".join(character if character.isprintable() else " " for character in text)
