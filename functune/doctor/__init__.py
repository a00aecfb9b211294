"""Checks of an app and its settings: rules as a table, static ones and ones that rest on measurements."""
