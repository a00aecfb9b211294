"""The lab beside the app: runs it in the genuine worker runtime, load-tests its settings, says which to set."""
