"""The file that gives a deployed app the times headers of the local host, and where an app uses it."""
