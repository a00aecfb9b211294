"""Numbers and choices from a caller: parsed and checked; an error names the parameter."""

from dataclasses import dataclass
from http import HTTPStatus

from blueprints.answers import ProblemError, shown

# No allowed number has more digits. The time of int() is quadratic in the number of digits.
_MOST_DIGITS = 10


@dataclass(frozen=True)
class IntegerParameter:
    """A whole number from ``minimum`` to ``maximum``, both included."""

    name: str
    minimum: int
    maximum: int
    default: int

    def from_query(self, text: str | None) -> int:
        """
        Return the number that ``text`` gives in plain decimal digits; the default when it is None.

        Signs, blanks, underscores and exponents are refused, although ``int`` or ``float`` accepts them: a mistyped
        parameter must not become another value. Raises ProblemError (400).
        """
        if text is None:
            return self.default
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            raise self._refusal(text)
        return self._in_range(int(text), text)

    def from_json(self, value: object) -> int:
        """Return ``value`` if it is a whole JSON number in range. Raises ProblemError (400)."""
        # bool is a subclass of int, and true is not a number of milliseconds.
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._refusal(value)
        return self._in_range(value, value)

    def _in_range(self, number: int, given: object) -> int:
        if not self.minimum <= number <= self.maximum:
            raise self._refusal(given)
        return number

    def _refusal(self, given: object) -> ProblemError:
        return ProblemError(
            HTTPStatus.BAD_REQUEST,
            f"{self.name} is {shown(given)}; give a whole number from {self.minimum} to {self.maximum}, "
            f"or omit it for the default, {self.default}",
        )


@dataclass(frozen=True)
class ChoiceParameter:
    """One of a few words; the first is the default."""

    name: str
    choices: tuple[str, ...]

    def from_query(self, text: str | None) -> str:
        """Return ``text`` if it is one of the choices, the default when it is None. Raises ProblemError (400)."""
        if text is None:
            return self.choices[0]
        if text not in self.choices:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                f"{self.name} is {shown(text)}; give {' or '.join(self.choices)}, or omit it for "
                f"the default, {self.choices[0]}",
            )
        return text
