"""How the site sends what waits: in the background, a batch after the other."""

import threading
from abc import ABC, abstractmethod

import structlog

from forum.settings import Settings
from moderation.worker import Transaction

log = structlog.get_logger("forum.sending")


class Sending(ABC):
    """Sends what waits, in a thread of its own (`start`) or in this one (`run`)."""

    def __init__(
        self, transaction: Transaction, settings: Settings, *, look_every: float = 5.0
    ) -> None:
        self._transaction = transaction
        self._settings = settings
        self._look_every = look_every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=type(self).__name__, daemon=True)

    @property
    @abstractmethod
    def wanted(self) -> bool:
        """Whether the settings say where to."""

    @abstractmethod
    def round(self) -> int:
        """Send one batch; return with how many it dealt, whatever came of it."""

    def start(self) -> None:
        """Send in a thread of its own until `stop`, if the settings say where."""
        if self.wanted:
            self._thread.start()

    def run(self) -> None:
        """Send until `stop` is called from elsewhere."""
        while not self._stopping.is_set():
            try:
                busy = self.round() > 0
            # The database may be away, or anything else: it is said, and tried again.
            except Exception as problem:
                log.exception(
                    "sending_failed", by=type(self).__name__, problem=type(problem).__name__
                )
                busy = False
            if not busy:
                self._stopping.wait(self._look_every)

    def stop(self) -> None:
        """End after what is being sent now, and wait for that a little."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
