"""Numbers and choices given by a caller: parsed, checked against what is allowed, refused by name."""

from dataclasses import dataclass
from http import HTTPStatus

from blueprints.answers import ProblemError, shown

# No allowed number is longer; int() takes time quadratic in the digits it is given.
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
        Return the number ``text`` spells in plain decimal digits, the default when it is None.

        Signs, blanks, underscores and exponents, which ``int`` or ``float`` would take, are refused: a knob that is
        mistyped should not turn to another value. Raises ProblemError (400).
        """
        if text is None:
            return self.default
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            raise self._refusal(text)
        return self._in_range(int(text), text)

    def from_json(self, value: object) -> int:
        """Return ``value`` if it is a JSON whole number in range. Raises ProblemError (400)."""
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
            f"or leave it out for {self.default}",
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
                f"{self.name} is {shown(text)}; give {' or '.join(self.choices)}, or leave it out for "
                f"{self.choices[0]}",
            )
        return text
