"""What readers see, kept in memory until it changes, and who is told when it does."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy.orm import Session

from forum import threads
from forum.database import Database
from forum.threads import Change, Mark
from moderation import rules
from moderation.rules import Rules

log = structlog.get_logger("forum.live")

# How often the log is looked at for what other processes wrote, in seconds.
LOOK_EVERY = 0.5
_PAGES = 500
_BYTES = 64 * 1024 * 1024


@dataclass
class Kept:
    """A page of a thread as everybody sees it, in the forms that are asked for."""

    thread: threads.Thread
    # Its comments by id, and by author.
    comments: dict[int, threads.Shown]
    by_author: dict[int, list[threads.Shown]]
    # Each comment's HTML, by id, in reading order; and as it goes out, one after the other.
    pieces: dict[int, str]
    joined: bytes
    body: bytes
    gzipped: bytes
    etag: str
    # The page around the comments as readers with an account see it, cut where their name and the
    # comments go; made when the first of them comes.
    frame: list[bytes] | None = None


class Live:
    """Keeps thread pages until the log says that they changed, and passes changes on.

    `look` reads the tail of the log. It is called after each transaction of this process and
    twice a second for those of others, so nobody sees a page older than that.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._glance = database.glance() if database.is_sqlite else None
        self._mark: Mark | None = None
        # The last line of the log that kept pages know of.
        self.seen = 0
        self._rules: Rules | None = None
        self._lock = threading.Lock()
        self._pages: OrderedDict[tuple[str, Any], Kept] = OrderedDict()
        self._bytes = 0
        self._generation = 0
        self._changed: dict[str, int] = {}
        self._listeners: dict[str, set[asyncio.Queue[Change]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def look(self) -> None:
        """Read what changed since the last look; drop those pages and tell those who listen."""
        with self._lock:
            # Most transactions change nothing that readers see.
            if (
                self._glance is not None
                and self._mark is not None
                and threads.is_newest(self._glance(), self._mark)
            ):
                return
            with self._database.reading() as session:
                self._mark, found = threads.changes(session, self._mark)
            if found:
                self._forget(found)
            # Only now: who asks for it then asks for a page.
            self.seen = self._mark.decision
        if found and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, found)

    def _forget(self, found: list[Change]) -> None:
        self._generation += 1
        everything = any(not change.slug for change in found)
        slugs = {change.slug for change in found}
        for key in list(self._pages):
            if everything or key[0] in slugs:
                self._drop(key)
        for slug in slugs:
            self._changed[slug] = self._generation
        if len(self._changed) > 10 * _PAGES:
            # Forgetting which threads changed means that all might have.
            self._changed = {"": self._generation}

    def _drop(self, key: tuple[str, Any]) -> None:
        kept = self._pages.pop(key)
        self._bytes -= len(kept.body)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A writing transaction whose changes are seen at once; the worker's."""
        with self._database.writing() as session:
            yield session
        self.look()

    def rules(self) -> Rules:
        """Return the site's rules as of the last look."""
        found = self._rules
        if found is None or (self._mark is not None and found.version < self._mark.rules):
            with self._database.reading() as session:
                found = self._rules = rules.in_force(session)
        return found

    def generation(self) -> int:
        """Return a number to hand to `keep`, taken before the page is read."""
        return self._generation

    def kept(self, slug: str, key: object) -> Kept | None:
        """Return the page if it has not changed since it was kept."""
        page = self._pages.get((slug, key))
        if page is not None:
            # The page that was asked for longest ago makes room first. Without the lock, which a
            # look holds while it reads: at worst the page was dropped this moment.
            with suppress(KeyError):
                self._pages.move_to_end((slug, key))
        return page

    def keep(self, slug: str, key: object, page: Kept, generation: int) -> None:
        """Keep a page, unless its thread changed after `generation`."""
        with self._lock:
            if max(self._changed.get(slug, 0), self._changed.get("", 0)) > generation:
                return
            if (slug, key) in self._pages:
                self._drop((slug, key))
            self._pages[slug, key] = page
            self._bytes += len(page.body)
            while len(self._pages) > _PAGES or self._bytes > _BYTES:
                self._drop(next(iter(self._pages)))

    async def watch(self) -> None:
        """Look again and again, for what other processes write, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                await to_thread.run_sync(self.look)
            # A database that is away comes back; until then pages are not kept for longer.
            except Exception as problem:
                log.error("live_updates_wait", problem=type(problem).__name__)
                with self._lock:
                    self._pages.clear()
                    self._bytes = 0
            await asyncio.sleep(LOOK_EVERY)

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            for queue in self._listeners.get(change.slug, ()):
                if queue.full():
                    # Too slow a reader: it is sent away and comes back for what it missed.
                    while not queue.empty():
                        queue.get_nowait()
                    queue.put_nowait(GO_AWAY)
                elif change.comment_id:
                    queue.put_nowait(change)

    def close(self) -> None:
        """Send every listener away, so that a server that stops need not wait for them."""
        # Those who are only about to listen as well.
        self._closed = True

        def send_away() -> None:
            for queue in [q for queues in self._listeners.values() for q in queues]:
                while queue.full():
                    queue.get_nowait()
                queue.put_nowait(GO_AWAY)

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(send_away)

    @property
    def closed(self) -> bool:
        """Whether the server stops, so that every stream should end."""
        return self._closed

    def listening(self) -> int:
        """Return how many readers are connected."""
        return sum(map(len, self._listeners.values()))

    def reading(self) -> dict[str, int]:
        """Return how many readers are connected to each thread, by slug."""
        return {slug: len(queues) for slug, queues in self._listeners.items()}

    @contextmanager
    def listen(self, slug: str) -> Iterator[AsyncIterator[Change]]:
        """Give what changes in a thread from now on, until the reader is too slow or gone."""
        queue: asyncio.Queue[Change] = asyncio.Queue(maxsize=100)
        self._listeners.setdefault(slug, set()).add(queue)
        if self._closed:
            queue.put_nowait(GO_AWAY)

        async def heard() -> AsyncIterator[Change]:
            while (change := await queue.get()) is not GO_AWAY:
                yield change

        try:
            yield heard()
        finally:
            self._listeners[slug].discard(queue)
            if not self._listeners[slug]:
                del self._listeners[slug]


GO_AWAY = Change(slug="-")
