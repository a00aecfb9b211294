"""
Waiting times by queueing theory, for an open stream of requests at threads, slots and cores.

Symbols: L arrivals per second (``arrival_rate``), S mean seconds of service (``service``), m servers (threads or
slots), a = L S the offered load, r = a / m the utilisation. Averages exist only below r = 1; from there on every
function raises ValueError. The models hold where S does not depend on the number of requests at once. Waiting does not;
computing under the GIL does, and the processor sharing formulas are for that.
"""

import numpy as np


def utilisation(arrival_rate: float, service: float, servers: int = 1) -> float:
    """r = L S / m. Raises ValueError for rates or times below 0, for no server, and for r of 1 and more."""
    if arrival_rate < 0 or service < 0 or servers < 1:
        raise ValueError(
            f"arrival rate is {arrival_rate:g}/s, service {service:g} s, servers {servers}: "
            "allowed are at least 0, 0 and 1"
        )
    found = arrival_rate * service / servers
    if found >= 1:
        raise ValueError(f"the utilisation is {found:.3g}: allowed is below 1, above it the queue grows without end")
    return found


def erlang_b(servers: int, load: float) -> float:
    """
    The share of requests that find all servers busy where none may wait, for an offered load a.

    By the recursion B(k) = a B(k-1) / (k + a B(k-1)), B(0) = 1, which no factorial overflows (Erlang, 1917). Any load
    from 0 is allowed; raises ValueError below it.
    """
    if load < 0 or servers < 0:
        raise ValueError(f"the offered load is {load:g} at {servers} servers: allowed are at least 0 and 0")
    return float(erlang_b_up_to(servers, np.array([load]))[0, servers])


def erlang_b_up_to(servers: int, loads: np.ndarray) -> np.ndarray:
    """The same for 0 to that many servers, in columns, and for several loads from 0, in rows."""
    blocked = np.ones((len(loads), servers + 1))
    for k in range(1, servers + 1):
        offered = loads * blocked[:, k - 1]
        blocked[:, k] = offered / (k + offered)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """The share of requests that have to wait in M/M/m, B / (1 - r (1 - B)). Raises ValueError for r of 1 and more."""
    busy = utilisation(load, 1.0, servers)
    blocked = erlang_b(servers, load)
    return blocked / (1 - busy * (1 - blocked))


def wait(arrival_rate: float, service: float, servers: int) -> float:
    """Mean seconds of waiting in M/M/m, all requests counted: C S / (m - a)."""
    utilisation(arrival_rate, service, servers)
    load = arrival_rate * service
    return erlang_c(servers, load) * service / (servers - load)


def response(arrival_rate: float, service: float, servers: int) -> float:
    """Mean seconds from arrival to answer in M/M/m: waiting and service."""
    return wait(arrival_rate, service, servers) + service


def wait_general(
    arrival_rate: float, service: float, servers: int, *, service_variation: float, arrival_variation: float = 1.0
) -> float:
    """
    Mean seconds of waiting in G/G/m, by the correction of Allen and Cunneen: that of M/M/m times (v_a^2 + v_s^2) / 2.

    The variations are standard deviations over means: 1 for Poisson arrivals and exponential service, 0 for constant
    ones. Exact for M/M/m, and for M/G/1; else an approximation that is best at high utilisation.
    """
    return wait(arrival_rate, service, servers) * (arrival_variation**2 + service_variation**2) / 2


def shared_response(arrival_rate: float, demand: float) -> float:
    """
    Mean seconds of a request among threads that share one core or one GIL: D / (1 - L D).

    M/G/1 processor sharing: the distribution of demands does not matter, and threads beyond those in use add nothing.
    """
    return demand / (1 - utilisation(arrival_rate, demand))
