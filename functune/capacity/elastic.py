"""
Instances that start for requests that find no free place, as on Flex Consumption, in closed form.

Requests fill one instance after another, c in each. How often the j-th instance is taken into use, u, and the share of
the time B in which it is unused, follow from the rate L while that stays the same:

    c = 1    each request takes the first free instance, so the j-th one gets what j - 1 others refuse (Erlang B):
             u = L (E(j - 1) - E(j)), B = 1 - u R
    c > 1    it is used while k = (j - 1) c + 1 or more requests are in flight, whose number is Poisson distributed with
             a mean of L R whatever the distribution of R (M/G/infinity): u = L P(k - 1), B = P(fewer than k)

The second is exact for the first instance only: a request leaves the others later than the number in flight falls. A
pause between two uses is about exponential with the rate v = u / B, exactly so for the first instance. An instance that
is removed after T unused seconds is then

    there for the share   1 - B exp(-v T)     of the time,
    started               u exp(-v T)         times a second.

Its billed share follows in ``billed_share`` from v and the mean time in use, (1 - B) / u.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, pdtr

from functune.analysis.laws.queueing import erlang_b_up_to
from functune.plans.billing import BILLED_STEP, FLUSH, MINIMUM_BILLED

LENGTHS = 20
"""The number of equally likely lengths of a use, a divisor of the number of sizes of a request."""
EXPONENTIAL = np.random.default_rng(1).permutation(-np.log1p(-(np.arange(LENGTHS) + 0.5) / LENGTHS))
"""Those of an exponential time of mean 1, in an order that has nothing to do with the sizes of requests."""
EXPONENTIAL /= EXPONENTIAL.mean()


class Elastic(NamedTuple):
    """Averages of the instances at some rates of arrivals; one row for each rate, one column for each instance."""

    there: np.ndarray
    """The share of the time in which the instance exists; 1 for one that is always ready."""
    started: np.ndarray
    """Starts per second."""
    in_use: np.ndarray
    """The mean length of a use, seconds."""
    billed: np.ndarray
    """The share of the time that is billed as executing."""
    served: np.ndarray
    """The share of the requests in flight that are in the instance."""


class Uses(NamedTuple):
    """How instances are used; a row for each rate, a column for each instance."""

    begins: np.ndarray
    """Uses per second."""
    unused: np.ndarray
    """The share of the time without any request in it."""


def elastic(
    rates: np.ndarray,
    response: np.ndarray,
    sizes: np.ndarray,
    *,
    concurrency: int,
    idle: float,
    ready: int,
    most: int,
) -> Elastic:
    """
    The instances at each rate, with its mean response in seconds, ``concurrency`` requests in each.

    ``idle`` are the seconds after which an unused one is removed, ``ready`` how many are always there, and ``most`` how
    many others there may be.
    """
    load = (rates * response)[:, None]
    number = np.arange(1, max(ready, needed_most(float(load.max()), concurrency, ready + most)) + 1)[None, :]
    begins, unused = (
        single_uses(rates, load, number) if concurrency == 1 else shared_uses(rates, load, number, concurrency)
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        again = np.where(unused > 0, begins / unused, np.inf)
        in_use = np.where(begins > 0, (1 - unused) / begins, np.inf)
        forgotten = np.where(unused > 0, np.exp(-again * idle), 0.0)
    always = number <= ready
    return Elastic(
        there=np.where(always, 1.0, 1 - unused * forgotten),
        started=np.where(always, 0.0, begins * forgotten),
        in_use=in_use,
        billed=billed_share(again, in_use, 1 - unused, lengths(in_use, response[:, None], sizes)),
        served=served_share(load, number, concurrency),
    )


def delayed(found: Elastic, rates: np.ndarray, *, concurrency: int, cold: float) -> np.ndarray:
    """Requests per second that wait for a start of ``cold`` seconds, by rate and instance as in ``found``."""
    waiting = np.minimum(cold, found.in_use)
    waiting[:, 0] = cold
    return np.asarray(found.started * np.minimum(concurrency, 1 + rates[:, None] * waiting))


def single_uses(rates: np.ndarray, load: np.ndarray, number: np.ndarray) -> Uses:
    """The uses of instances that take one request each, by Erlang B."""
    refused = erlang_b_up_to(number.shape[1], load[:, 0])
    taken = refused[:, :-1] - refused[:, 1:]
    return Uses(begins=rates[:, None] * taken, unused=1 - load * taken)


def shared_uses(rates: np.ndarray, load: np.ndarray, number: np.ndarray, concurrency: int) -> Uses:
    """The uses of instances that take several requests each, by the number in flight."""
    first = (number - 1) * concurrency + 1.0
    return Uses(begins=rates[:, None] * poisson(first - 1, load), unused=pdtr(first - 1, load))


def needed_most(load: float, concurrency: int, most: int) -> int:
    """The instances to look at: those that are ever used, up to the most there may be."""
    return max(1, min(most, int(np.ceil((load + 8 * np.sqrt(load) + 20) / concurrency))))


def poisson(count: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """P(N = count)."""
    return np.asarray(np.exp(count * np.log(mean) - mean - gammaln(count + 1)))


def served_share(load: np.ndarray, number: np.ndarray, concurrency: int) -> np.ndarray:
    """
    The share of the requests in flight that are in each instance: E[min(N, j c) - min(N, (j - 1) c)] / E[N].

    E[min(N, m)] = N P(N <= m - 2) + m (1 - P(N <= m - 1)), for a Poisson distribution of mean N.
    """

    def up_to(places: np.ndarray) -> np.ndarray:
        below_two = np.where(places >= 2, pdtr(np.maximum(places - 2, 0), load), 0.0)
        below_one = np.where(places >= 1, pdtr(np.maximum(places - 1, 0), load), 0.0)
        return np.asarray(load * below_two + places * (1 - below_one))

    ends = number * float(concurrency)
    return np.asarray((up_to(ends) - up_to(ends - concurrency)) / load)


def lengths(in_use: np.ndarray, response: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """
    Equally likely lengths of a use, seconds, in the last dimension, for a mean of ``in_use``.

    A use is one request, and where its mean is longer an exponential time of others on top of it.
    """
    request = sizes.reshape(LENGTHS, -1).mean(axis=-1)
    alone = np.minimum(in_use, response)
    with np.errstate(over="ignore"):  # an instance that is hardly ever left is in use for ever
        return np.asarray(alone[..., None] * request + np.maximum(in_use - alone, 0.0)[..., None] * EXPONENTIAL)


def billed_share(again: np.ndarray, in_use: np.ndarray, busy: np.ndarray, lasting: np.ndarray) -> np.ndarray:
    """
    The billed share of the time of an instance that is used for ``in_use`` seconds on average, with random pauses.

    ``again`` is how often a pause ends, per second of pauses; ``busy`` the share of the time in use; ``lasting`` has
    the lengths of a use. A use is billed for at least 1 s; where the instance is in use at the end of that second,
    another bill begins there. A longer use is rounded up by half a step on average, and pays the minimum again for the
    piece that the host's timer cuts off.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        is_long = lasting > MINIMUM_BILLED
        paid = np.where(is_long, lasting + BILLED_STEP / 2 + cut_off(lasting), MINIMUM_BILLED).mean(axis=-1)
        rest = np.maximum(MINIMUM_BILLED - lasting, 0.0)
        begun = 1 - np.exp(-again[..., None] * rest)
        in_use_again = np.where(rest <= lasting, begun, np.minimum(begun, busy[..., None]))
        continued = np.where(is_long, 0.0, in_use_again).mean(axis=-1)
        share = paid / (paid + (1 - continued) / again)
    return np.where(np.isfinite(again) & (again > 0), np.clip(share, busy, 1.0), np.where(again > 0, 1.0, 0.0))


def cut_off(lasting: np.ndarray) -> np.ndarray:
    """
    Seconds billed beyond a use of that many seconds, above 1, because the timer cuts it at a random moment.

    The piece after the cut pays 1 s where it sticks out of what is paid by less.
    """
    piece = np.clip(lasting - MINIMUM_BILLED, 0.0, MINIMUM_BILLED)
    return (np.maximum(2 * MINIMUM_BILLED - lasting, 0.0) + piece - piece**2 / 2) / FLUSH
