"""How long cases wait for people, from what comes and what is decided by the hour of the day."""

import numpy as np
from numpy.typing import ArrayLike

HOURS = 24
# So many days one like the other tell whether what waits is ever done.
_DAYS = 7


def longest_wait(arrive: ArrayLike, decide: ArrayLike) -> float | None:
    """Return how long a case waits at worst, in hours, first come first served; None: ever longer.

    `arrive` and `decide` have 24 numbers, cases an hour: how many come, and how many people could
    decide. Day after day is the same, and nothing waits at the beginning.
    """
    come = np.tile(np.asarray(arrive, dtype=np.float64), _DAYS)
    could = np.tile(np.asarray(decide, dtype=np.float64), _DAYS)
    if not come.any():
        return 0.0
    if could.sum() <= come.sum():
        return None
    waiting, done = 0.0, np.zeros(len(come) + 1)
    for hour, (more, most) in enumerate(zip(come, could, strict=True)):
        now = min(waiting + more, most)
        waiting += more - now
        done[hour + 1] = done[hour] + now
    came = np.concatenate([[0.0], come.cumsum()])
    hours = np.arange(len(came), dtype=np.float64)
    # When as many were done as had come by each hour; where nothing is done, the later end counts.
    ready = np.array([hours[min(np.searchsorted(done, n - 1e-9), len(hours) - 1)] for n in came])
    settled = came <= done[-1] + 1e-9
    return float((ready - hours)[settled].max(initial=0.0))
