"""The peer of bench/ingest.py: a Starlette app that commits the raw body of a report, in groups, durably."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from concurrent.futures import Future
from queue import Empty, SimpleQueue

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

WAITING: SimpleQueue[tuple[bytes, Future[None]]] = SimpleQueue()
MOST = 500


def write(file: str) -> None:
    """Commit what waits, together."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE raw (body BLOB)")
    while True:
        batch = [WAITING.get()]
        while len(batch) < MOST:
            try:
                batch.append(WAITING.get_nowait())
            except Empty:
                break
        db.execute("BEGIN")
        db.executemany("INSERT INTO raw VALUES (?)", [(body,) for body, _ in batch])
        db.execute("COMMIT")
        for _, done in batch:
            done.set_result(None)


async def reports(request: Request) -> JSONResponse:
    """Answer once the body is on disk."""
    done: Future[None] = Future()
    WAITING.put((await request.body(), done))
    await asyncio.wrap_future(done)
    return JSONResponse({"accepted": 4, "duplicates": 0, "refused": [], "next_upload_s": 3600})


if __name__ == "__main__":
    folder, port = sys.argv[1:]
    threading.Thread(target=write, args=(f"{folder}/raw.sqlite3",), daemon=True).start()
    app = Starlette(routes=[Route("/v1/reports", reports, methods=["POST"])])
    uvicorn.run(app, port=int(port), http="httptools", access_log=False, log_level="warning")
