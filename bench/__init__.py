"""`make bench`: the performance figures the project holds itself to, each with its bound."""
