"""Fisher's exact test: may two releases of which one does worse in a window be equally good?"""

from __future__ import annotations

from math import exp, lgamma


def chance_of(failed: int, requests: int, other_failed: int, other_requests: int) -> float:
    """Return how probable it is that a release no worse than the other fails so often or more (one-sided)."""
    failures, everything = failed + other_failed, requests + other_requests
    whole = _log_choose(everything, failures)
    most = min(failures, requests)
    logs = (_log_choose(requests, one) + _log_choose(other_requests, failures - one) - whole for one in range(failed, most + 1))
    return min(1.0, sum(exp(one) for one in logs))


def _log_choose(count: int, chosen: int) -> float:
    if not 0 <= chosen <= count:
        return float("-inf")
    return lgamma(count + 1) - lgamma(chosen + 1) - lgamma(count - chosen + 1)
