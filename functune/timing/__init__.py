"""
The times of every call of a handler, and the lines of code where they pass, taken in the process that runs it.

This room runs inside the processes of an app: the workers of the local host, and those of a web server. It depends on
the standard library only, so that it cannot clash with the packages of the app.
"""
