"""Serve the style sheet and the icon, the only static files."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response

router = APIRouter(include_in_schema=False)
KINDS = {"parcimetre.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


@router.get("/static/{name}")
def static(name: str) -> Response:
    """One of the files of `presentation/static/`."""
    if name not in KINDS:
        raise HTTPException(404, f"there is no static file {name}")
    content = (files("parcimetre_server.presentation") / "static" / name).read_bytes()
    return Response(content, media_type=KINDS[name], headers={"Cache-Control": "public, max-age=3600"})
