"""The names with which times are asked for: a header of one request, and an app setting for every call."""

TIMES_ASKED = "x-functune-times"
"""The header with which a request asks for the times of its call; its value does not matter."""
TIMES_SETTING = "FUNCTUNE_TIMES"
"""The app setting with which functune_times.py in an app reports the times of every call."""
