"""How times are asked for: by a request, where the host does not report those of every call, and of a deployed app."""

TIMES_ASKED = "x-functune-times"
"""The header of such a request, with any value."""
TIMES_SETTING = "FUNCTUNE_TIMES"
"""The app setting with which functune_times.py in an app reports the times of every call."""
