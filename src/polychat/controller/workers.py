"""One worker's connection: what it says goes to the board, and so does its silence."""

import asyncio

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from polychat.controller import claims
from polychat.controller.board import Board
from polychat.controller.silence import Change, Silence
from polychat.routing import feed
from polychat.routing.replica import Replica

_BEAT = feed.BEAT.decode()


async def hold(websocket: WebSocket) -> None:
    """Until it goes, or has been silent for long."""
    await websocket.accept()
    await _Line(websocket.app.state.board, websocket).hold()


class _Refused(Exception):
    """The worker says what it may not; the text is for its log."""


class _Line:
    def __init__(self, board: Board, websocket: WebSocket) -> None:
        self._board = board
        self._websocket = websocket
        self._peer = websocket.client.host if websocket.client else ""
        self._claimed: set[tuple[str, tuple[str, ...]]] = set()  # what it has said of itself and may say
        self._silence = Silence()
        self._is_welcome = False

    async def hold(self) -> None:
        why = "its worker closed the connection"
        beating = asyncio.create_task(self._beat())
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait({beating, listening}, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                why = f"its worker said nothing for {feed.LOST_AFTER_S:g} s"
                await self._close(1001, why)
            else:
                listening.result()
        except WebSocketDisconnect:
            pass
        except _Refused as exc:
            why = f"its worker may not announce it: {exc}"
            await self._close(feed.REFUSED, str(exc)[:120])
        except (msgspec.MsgspecError, KeyError) as exc:  # KeyError: a binary frame
            why = f"its worker sent what is not understood: {exc}"
            await self._close(1008, why[:120])
        finally:
            beating.cancel()
            listening.cancel()
            await asyncio.gather(beating, listening, return_exceptions=True)
            self._board.leave(owner=self._websocket, why=why)

    async def _listen(self) -> None:
        await self._take(feed.decode_from_worker(await self._websocket.receive_text()))
        await self._websocket.send_text(feed.encode(feed.Welcome(self._board.id)).decode())
        self._is_welcome = True
        while True:
            message = feed.decode_from_worker(await self._websocket.receive_text())
            if self._silence.heard():
                self._board.heard(owner=self._websocket)
            await self._take(message)

    async def _beat(self) -> None:
        """Say that we are here, and mark when nothing comes back; ends when nothing has come for long."""
        while (change := self._silence.turn()) is not Change.LOST:
            if change is Change.SILENT:
                why = f"its worker has said nothing for {feed.SILENT_AFTER_S:g} s"
                self._board.silent(owner=self._websocket, why=why)
            await asyncio.sleep(feed.BEAT_S)
            if self._is_welcome:
                await self._websocket.send_text(_BEAT)

    async def _take(self, message: feed.FromWorker) -> None:
        match message:
            case feed.Announce(replica=replica):
                await self._require_allowed(replica)
                self._board.announce(replica, owner=self._websocket, peer=self._peer)
            case feed.ReportLoad(id=replica_id, load=load):
                self._board.report_load(replica_id, load, owner=self._websocket)
            case feed.Withdraw(id=replica_id):
                self._board.withdraw(replica_id, owner=self._websocket)
            case feed.Beat():
                pass

    async def _require_allowed(self, replica: Replica) -> None:
        """Raises _Refused for a replica that this worker may not announce."""
        claim = replica.url, replica.answers_to
        if claim not in self._claimed:
            rules = self._websocket.app.state.rules
            if why := await claims.refusal(replica, peer=self._peer, rules=rules):
                raise _Refused(why)
            if len(self._claimed) >= claims.MAX_REPLICAS:
                raise _Refused(f"one worker may announce {claims.MAX_REPLICAS} replicas")
            self._claimed.add(claim)
        if self._board.is_held_elsewhere(replica, peer=self._peer):
            raise _Refused(f"a worker on another machine has {replica.url}")

    async def _close(self, code: int, reason: str) -> None:
        try:
            await self._websocket.close(code, reason)
        except (RuntimeError, WebSocketDisconnect):  # it has gone meanwhile
            return
