"""The board: what the controller knows, who told it, and the gateways that read along.

Owned by one event loop, no locks. A worker is known by the connection it holds: when that goes, so do the
replicas that it speaks for.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

from polychat.routing import feed
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Load

log = logging.getLogger(__name__)

WATCHER_BACKLOG = 10_000  # messages; a gateway this far behind is cut off and starts again from a snapshot


class Board:
    """The registry, and its watchers. `id` changes with each start, so that gateways can tell a restart."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        self.registry = Registry()
        self._owners: dict[str, object] = {}  # replica id -> the connection that announced it last
        self._peers: dict[str, str] = {}  # replica id -> the address that its worker speaks from
        self._silent: dict[str, Replica] = {}  # replica id -> it as it was before its worker fell silent
        self._at: dict[str, dict[str, None]] = {}  # URL -> ids of the replicas there
        self._owned: dict[object, set[str]] = {}  # connection -> ids of the replicas it announced last
        self._watchers: set[asyncio.Queue[bytes | None]] = set()

    def is_held_elsewhere(self, replica: Replica, *, peer: str) -> bool:
        """Whether a worker that speaks from another address than `peer` has this id or this place."""
        ids = [replica.id, *(other.id for other in self._there(replica))]
        return any(self._peers.get(id_, peer) != peer for id_ in ids)

    def announce(self, replica: Replica, *, owner: object, peer: str = "") -> None:
        """Record a replica as told by the connection `owner`. A newer connection replaces an older one."""
        self._silent.pop(replica.id, None)
        for other in self._there(replica):
            if other.id != replica.id:
                self._forget(other.id, why="another worker took its address")
        self._disown(replica.id)
        self._owners[replica.id], self._peers[replica.id] = owner, peer
        self._owned.setdefault(owner, set()).add(replica.id)
        self._put(replica)

    def report_load(self, replica_id: str, load: Load, *, owner: object) -> None:
        """Record a load report, unless a newer connection speaks for this replica."""
        if self._owners.get(replica_id) is owner and self.registry.report_load(replica_id, load):
            self._tell(feed.ReportLoad(replica_id, load))

    def withdraw(self, replica_id: str, *, owner: object) -> None:
        """Forget a replica of which the connection `owner` says that it is no more."""
        if self._owners.get(replica_id) is owner:
            self._forget(replica_id, why="its worker says so")

    def silent(self, *, owner: object, why: str) -> None:
        """Nothing has been heard from the connection `owner`: what it speaks for is asked last."""
        for replica in self._of(owner):
            if replica.state is ReplicaState.READY:
                self._silent[replica.id] = replica
                self._put(replace(replica, state=ReplicaState.SILENT, detail=why))

    def heard(self, *, owner: object) -> None:
        """The connection `owner` speaks again: all is as before."""
        for replica in self._of(owner):
            if (before := self._silent.pop(replica.id, None)) is not None:
                self._put(before)

    def leave(self, *, owner: object, why: str) -> None:
        """The connection `owner` is gone, and with it each replica that it spoke for."""
        for replica in self._of(owner):
            self._forget(replica.id, why=why)

    async def watch(self) -> AsyncIterator[bytes]:
        """One watcher's lines: a snapshot, then each change, and a beat when there is none.

        Ends when the watcher falls behind by WATCHER_BACKLOG, or the controller goes.
        """
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(WATCHER_BACKLOG)
        queue.put_nowait(_line(feed.Snapshot(self.id, list(self.registry))))
        self._watchers.add(queue)
        try:
            while (line := await _next_line(queue)) is not None:
                yield line
        finally:
            self._watchers.discard(queue)

    def close(self) -> None:
        """End every watcher's stream: the controller is going."""
        for queue in self._watchers:
            _end(queue)

    def _of(self, owner: object) -> list[Replica]:
        return [self.registry[id_] for id_ in sorted(self._owned.get(owner, ()))]

    def _there(self, replica: Replica) -> list[Replica]:
        """Those that cannot be there beside it, it among them."""
        known = [self.registry[id_] for id_ in self._at.get(replica.url, ())]
        return [other for other in known if _same_place(other, replica)]

    def _disown(self, replica_id: str) -> None:
        owner = self._owners.pop(replica_id, None)
        if (owned := self._owned.get(owner)) is not None:
            owned.discard(replica_id)
            if not owned:
                del self._owned[owner]

    def _put(self, replica: Replica) -> None:
        before = self.registry.get(replica.id)
        if before is not None and before.url != replica.url:
            self._leave_place(before)
        self._at.setdefault(replica.url, {})[replica.id] = None
        self.registry.put(replica)
        self._tell(feed.Put(replica))
        if before is None or before.state is not replica.state:
            detail = f" ({replica.detail})" if replica.detail else ""
            log.info("%s at %s is %s%s", replica.model, replica.url, replica.state, detail)

    def _forget(self, replica_id: str, *, why: str) -> None:
        self._disown(replica_id)
        self._peers.pop(replica_id, None)
        self._silent.pop(replica_id, None)
        gone = self.registry.get(replica_id)
        if gone is not None and self.registry.remove(replica_id):
            self._leave_place(gone)
            self._tell(feed.Remove(replica_id))
            log.info("%s at %s is gone: %s", gone.model, gone.url, why)

    def _leave_place(self, replica: Replica) -> None:
        there = self._at[replica.url]
        there.pop(replica.id, None)
        if not there:
            del self._at[replica.url]

    def _tell(self, message: feed.ToGateway) -> None:
        line = _line(message)
        for queue in tuple(self._watchers):
            try:
                queue.put_nowait(line)
            except asyncio.QueueFull:
                self._watchers.discard(queue)
                _end(queue)


def _same_place(one: Replica, other: Replica) -> bool:
    """Whether two replicas cannot both be there: an engine of ours has its address for itself, while a server
    that was attached may have many models."""
    if one.url != other.url:
        return False
    if one.outside is None or other.outside is None:
        return True
    return (one.model, one.outside.name) == (other.model, other.outside.name)


def _line(message: feed.ToGateway) -> bytes:
    return feed.encode(message) + b"\n"


_BEAT = feed.BEAT + b"\n"


async def _next_line(queue: "asyncio.Queue[bytes | None]") -> bytes | None:
    try:
        return await asyncio.wait_for(queue.get(), feed.BEAT_S)
    except TimeoutError:
        return _BEAT


def _end(queue: "asyncio.Queue[bytes | None]") -> None:
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)
