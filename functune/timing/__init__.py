"""
The times of every call of a handler, and the lines of code where they pass, taken in the process that runs it.

This room runs inside the workers of the local host. It depends on the standard library only, so that it cannot clash
with the packages of an app.
"""
