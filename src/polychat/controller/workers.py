"""One worker's connection: what it says goes to the board, and so does its silence."""

import asyncio

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from polychat.controller.board import Board
from polychat.controller.silence import Change, Silence
from polychat.routing import feed

_BEAT = feed.BEAT.decode()


async def hold(websocket: WebSocket) -> None:
    """Until it goes, or has been silent for long."""
    await websocket.accept()
    await _Line(websocket.app.state.board, websocket).hold()


class _Line:
    def __init__(self, board: Board, websocket: WebSocket) -> None:
        self._board = board
        self._websocket = websocket
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
        except (msgspec.MsgspecError, KeyError) as exc:  # KeyError: a binary frame
            why = f"its worker sent what is not understood: {exc}"
            await self._close(1008, why[:120])
        finally:
            beating.cancel()
            listening.cancel()
            await asyncio.gather(beating, listening, return_exceptions=True)
            self._board.leave(owner=self._websocket, why=why)

    async def _listen(self) -> None:
        self._take(feed.decode_from_worker(await self._websocket.receive_text()))
        await self._websocket.send_text(feed.encode(feed.Welcome(self._board.id)).decode())
        self._is_welcome = True
        while True:
            message = feed.decode_from_worker(await self._websocket.receive_text())
            if self._silence.heard():
                self._board.heard(owner=self._websocket)
            self._take(message)

    async def _beat(self) -> None:
        """Say that we are here, and mark when nothing comes back; ends when nothing has come for long."""
        while (change := self._silence.turn()) is not Change.LOST:
            if change is Change.SILENT:
                why = f"its worker has said nothing for {feed.SILENT_AFTER_S:g} s"
                self._board.silent(owner=self._websocket, why=why)
            await asyncio.sleep(feed.BEAT_S)
            if self._is_welcome:
                await self._websocket.send_text(_BEAT)

    def _take(self, message: feed.FromWorker) -> None:
        match message:
            case feed.Announce(replica=replica):
                self._board.announce(replica, owner=self._websocket)
            case feed.ReportLoad(id=replica_id, load=load):
                self._board.report_load(replica_id, load, owner=self._websocket)
            case feed.Withdraw(id=replica_id):
                self._board.withdraw(replica_id, owner=self._websocket)
            case feed.Beat():
                pass

    async def _close(self, code: int, reason: str) -> None:
        try:
            await self._websocket.close(code, reason)
        except (RuntimeError, WebSocketDisconnect):  # it has gone meanwhile
            return
