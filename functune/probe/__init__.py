"""
Counts the worker processes and threads that serve an app from outside, to compare with its configured counts.

It sends calls in waves of 1, 2, 4, … at once. Every answer names its worker process and thread, and the distinct
threads of a wave are the count: a pool of T threads shows at most T of them in any wave, and exactly T once the wave is
large enough and its calls are long enough to overlap.
"""
