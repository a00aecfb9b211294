"""How a request asks for the times of its call where the host was not started to report those of every call."""

TIMES_ASKED = "x-functune-times"
"""The header of such a request, with any value."""
