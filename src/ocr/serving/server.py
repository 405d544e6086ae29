"""The process: a socket, uvicorn, and an end that waits for what was accepted."""

import asyncio
import signal
import socket
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ocr.errors import ServiceError
from ocr.inference.memory import return_freed_memory
from ocr.serving.app import create_app
from ocr.serving.jobs import open_jobs
from ocr.serving.settings import Settings
from ocr.serving.telemetry import log, set_up_logs


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first. Raises ServiceError, BundleError."""
    listener = _listen(host, port)
    set_up_logs()
    return_freed_memory()
    # Before the server starts: what it meets while starting, it tells with a traceback.
    with open_jobs(settings.work) as jobs:
        _run(create_app(settings, jobs), settings, listener)


def _run(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http=_protocol(settings.limits.header_seconds),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(settings.limits.read_seconds),
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = uvicorn.Server(config)
    asked_to_end = False

    def end(*_: object) -> None:
        # Before uvicorn listens to signals; it raises the one that ended it once more when all is done.
        nonlocal asked_to_end
        server.should_exit = asked_to_end = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    address = listener.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    log("listening", url=f"http://{shown}:{address[1]}", keys=settings.keys is not None)
    server.run(sockets=[listener])
    if not server.started and not asked_to_end:
        raise ServiceError("the service did not start; the lines above say why")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ServiceError(f"cannot listen on {host}:{port} ({reason}); give another --host or --port") from error


def _protocol(seconds: float) -> type[H11Protocol]:
    """HTTP that closes a connection on which no whole request head came for ``seconds`` to twice that."""

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._idle_after: object = self
            self._look_again()

        def connection_lost(self, exc: Exception | None) -> None:
            self._timer.cancel()
            super().connection_lost(exc)

        def _look_again(self) -> None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

        def _look(self) -> None:
            answered = self.cycle is None or self.cycle.response_complete
            is_idle = answered and self.conn.their_state is h11.IDLE
            if is_idle and self.cycle is self._idle_after:
                self.transport.close()
                return
            # The last request answered, None before the first: with another one, it was not idle all the while.
            self._idle_after = self.cycle if is_idle else self
            self._look_again()

    return Impatient
