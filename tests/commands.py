"""The command `forum` as tests run it."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Ran:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def password(self) -> str:
        (found,) = re.findall(r"One-time password: (\S+)", self.out)
        return str(found)


Forum = Callable[..., Ran]
