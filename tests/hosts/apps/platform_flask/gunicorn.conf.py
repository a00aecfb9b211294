"""The generated command does not read it."""

workers = 3
threads = 4
