"""
Route templates, such as ``products/{id:int?}``, by the rules of the classic ASP.NET router (RoutePatternParser.cs).

Paths are decoded, with ``%2F`` kept (see ``url_paths``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from functune.errors import AppError
from functune.host.constraints import Constraint, parse_constraint

_PARAMETER_NAME = re.compile(r"[^/{}?*]+\Z")


class RouteError(AppError):
    """A route template that is not valid, with which the host does not start."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A route parameter: ``{name:constraint=default}``, ``{name?}`` or ``{*name}``."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    is_optional: bool = False
    is_catch_all: bool = False

    @property
    def may_be_missing(self) -> bool:
        """Whether the path may end before this parameter."""
        return self.is_optional or self.is_catch_all or self.default is not None


type Segment = tuple[str | Parameter, ...]
"""The literals and parameters between two slashes; a complex segment has more than one."""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed route template: ``parse_template("products/{id:int?}").match("products/7") == {"id": "7"}``."""

    literal: str | None
    """The lower-cased path, when the template has segments but no parameter: compared instead of matched."""
    pattern: re.Pattern[str]
    captured: tuple[Parameter | Segment, ...]
    """What the groups of the pattern stand for: a parameter, or a segment with literals too."""

    def match(self, path: str) -> dict[str, str] | None:
        """
        Route values of a decoded path without its leading slash; None when it does not match.

        One trailing slash is ignored. An absent parameter without a default is omitted.
        """
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values: dict[str, str] = {}
        for place, text in zip(self.captured, found.groups(), strict=True):
            taken = [(place, text)] if isinstance(place, Parameter) else _taken(place, text)
            if taken is None:
                return None
            for parameter, given in taken:
                value = given or parameter.default
                if value is None:
                    continue
                if not all(constraint(value) for constraint in parameter.constraints):
                    return None
                values[parameter.name] = value
        return values


def parse_template(text: str) -> Template:
    """Parse one template, the route prefix included. Raises RouteError naming the template and the reason."""
    try:
        pieces = _split_segments(_trim_start(text))
        segments = tuple(_parse_segment(piece) for piece in pieces)
        parameters = tuple(part for segment in segments for part in segment if isinstance(part, Parameter))
        _check(segments, parameters)
        pattern = re.compile(_pattern(segments), re.IGNORECASE | re.DOTALL)
    except ValueError as error:
        raise RouteError(f"the route template '{text}' is not valid: {error}") from error
    literal = "/".join(str(segment[0]) for segment in segments).lower() if segments and not parameters else None
    places = (segment[0] if len(segment) == 1 else segment for segment in segments)
    return Template(literal, pattern, tuple(place for place in places if not isinstance(place, str)))


def _taken(segment: Segment, text: str) -> list[tuple[Parameter, str]] | None:
    """Each parameter of a segment with its part of the text; None when the segment does not match it."""
    found, last = _from_the_right(segment, text), segment[-1]
    if found is None and isinstance(last, Parameter) and last.is_optional and not text.endswith("."):
        # `{name}.{extension?}` without an extension has no dot either.
        return _from_the_right(segment[:-2], text)
    return found


def _from_the_right(parts: Segment, text: str) -> list[tuple[Parameter, str]] | None:
    """
    The parameters between the literals. Each literal is taken at its last place, and no other is tried.

    As in MatchComplexSegmentCore of RoutePatternMatcher.cs, ``x-{id}`` hence does not match ``x-x-7``.
    """
    folded = _folded(text)
    taken: list[tuple[Parameter, str]] = []
    pending: Parameter | None = None
    end = len(text)
    for part in reversed(parts):
        if isinstance(part, Parameter):
            pending = part
            continue
        # A parameter behind the literal needs at least one character.
        place = folded.rfind(_folded(part), 0, end if pending is None else end - 1)
        if place < 0 or (pending is None and place + len(part) != end):
            return None
        if pending is not None:
            taken.append((pending, text[place + len(part) : end]))
            pending = None
        end = place
    if pending is not None and end > 0:
        return [*taken, (pending, text[:end])]
    return taken if pending is None and end == 0 else None


def _folded(text: str) -> str:
    """In lower case and of the same length: an ``İ`` would become two characters."""
    return "".join(lower if len(lower := char.lower()) == 1 else char for char in text)


def _trim_start(text: str) -> str:
    if text.startswith("~/"):
        return text[2:]
    return text.removeprefix("/")


def _split_segments(text: str) -> list[str]:
    if not text:
        return []
    pieces: list[str] = []
    depth = start = 0
    for position, char in enumerate(text):
        # Doubled braces cancel out, and a regex constraint may contain a slash.
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "/" and depth == 0:
            pieces.append(text[start:position])
            start = position + 1
    if text[start:]:
        pieces.append(text[start:])
    if any(not piece for piece in pieces):
        raise ValueError(
            "two separators '/' follow each other: begin the route without one; that of AsgiFunctionApp and "
            'WsgiFunctionApp begins with one, so it needs extensions.http.routePrefix "" in host.json'
        )
    return pieces


def _parse_segment(piece: str) -> Segment:
    parts: list[str | Parameter] = []
    literal = ""
    position = 0
    while position < len(piece):
        if piece.startswith(("{{", "}}"), position):
            literal += piece[position]
            position += 2
        elif piece[position] == "{":
            end = _closing_brace(piece, position + 1)
            if literal:
                parts.append(literal)
                literal = ""
            elif parts:
                raise ValueError("two parameters follow each other; put a literal between them")
            parts.append(_parse_parameter(piece[position + 1 : end].replace("{{", "{").replace("}}", "}")))
            position = end + 1
        elif piece[position] in "}?*":
            raise ValueError(f"'{piece[position]}' stands outside a parameter in '{piece}'")
        else:
            literal += piece[position]
            position += 1
    if literal:
        parts.append(literal)
    return tuple(parts)


def _closing_brace(piece: str, position: int) -> int:
    while position < len(piece):
        if piece.startswith(("{{", "}}"), position):
            position += 2
        elif piece[position] == "}":
            return position
        elif piece[position] == "{":
            break
        else:
            position += 1
    raise ValueError(f"a brace in '{piece}' is not closed")


def _parse_parameter(text: str) -> Parameter:
    is_catch_all = text.startswith("*")
    text = text.lstrip("*") if is_catch_all else text
    name_end = next((index for index, char in enumerate(text) if char in ":=?"), len(text))
    name, rest = text[:name_end], text[name_end:]
    if not _PARAMETER_NAME.match(name):
        raise ValueError(f"'{name}' is not a parameter name")
    is_optional = rest.endswith("?")
    rest = rest.removesuffix("?")
    constraints: list[Constraint] = []
    while rest.startswith(":"):
        constraint, rest = _take_constraint(rest[1:])
        constraints.append(constraint)
    default = rest[1:] if rest.startswith("=") else None
    if rest and default is None:
        raise ValueError(f"'{rest}' after the parameter '{name}' is not understood")
    if is_optional and default is not None:
        raise ValueError(f"the parameter '{name}' is optional and has a default; choose one")
    if is_optional and is_catch_all:
        raise ValueError(f"the catch-all parameter '{name}' cannot be marked optional; it may be empty anyway")
    return Parameter(name, tuple(constraints), default, is_optional, is_catch_all)


def _take_constraint(text: str) -> tuple[Constraint, str]:
    """Split ``name(arguments)…`` into its constraint and what follows it."""
    name = re.match(r"[^:=(]*", text)
    assert name is not None
    rest = text[name.end() :]
    if not rest.startswith("("):
        return parse_constraint(name.group(), None), rest
    # Arguments end at the first ')' before another part of the parameter or its end; a regex may contain others.
    close = re.search(r"\)(?=:|=|\Z)", rest)
    if close is None:
        raise ValueError(f"the arguments of the constraint '{text}' are not closed")
    return parse_constraint(name.group(), rest[1 : close.start()]), rest[close.end() :]


def _check(segments: Sequence[Segment], parameters: Sequence[Parameter]) -> None:
    names = [parameter.name.lower() for parameter in parameters]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the parameter '{name}' appears twice")
    for index, segment in enumerate(segments):
        is_last = index == len(segments) - 1
        for position, part in enumerate(segment):
            if not isinstance(part, Parameter):
                continue
            if part.is_catch_all and (not is_last or len(segment) > 1):
                raise ValueError(f"the catch-all parameter '{part.name}' must be the whole last segment")
            if part.is_optional and position < len(segment) - 1:
                raise ValueError(f"the optional parameter '{part.name}' must come last in its segment")
            if part.is_optional and len(segment) > 1 and segment[position - 1] != ".":
                raise ValueError(f"the optional parameter '{part.name}' may only follow a '.' in its segment")


def _pattern(segments: Sequence[Segment]) -> str:
    required, missing = "", ""
    can_be_missing = True
    for index in range(len(segments) - 1, -1, -1):
        segment = segments[index]
        slash = "/" if index else ""
        only = segment[0] if len(segment) == 1 else None
        can_be_missing = can_be_missing and isinstance(only, Parameter) and only.may_be_missing
        body = slash + _segment_pattern(segment)
        if can_be_missing:
            missing = f"(?:{body}{missing})?"
        else:
            required = body + required
    ends_in_catch_all = bool(segments) and any(isinstance(p, Parameter) and p.is_catch_all for p in segments[-1])
    # An empty first segment, from a doubled slash, matches nothing.
    return "(?!/)" + required + missing + ("" if ends_in_catch_all else "/?")


def _segment_pattern(segment: Segment) -> str:
    only = segment[0]
    if len(segment) > 1:
        return "([^/]+)"
    if isinstance(only, str):
        return re.escape(only)
    # The first segment of a catch-all may not be empty either.
    return "((?!/).*)" if only.is_catch_all else "([^/]+)"
