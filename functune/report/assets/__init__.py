"""The style sheet and the script of the page, as files."""
