"""What ours is compared with: one route that sends a ready page, on the same server setup."""

import gc
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PAGE = b"<!doctype html><title>Ready</title>" + b"." * (50 * 1024)


async def ready(_request: Request) -> Response:
    """Send the page."""
    return Response(PAGE, media_type="text/html")


def main(port: int) -> None:
    """Serve the page with what `forum.app.serve` gives uvicorn."""
    app = Starlette(routes=[Route("/", ready), Route("/healthz", ready)])
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        http="httptools",
        loop="asyncio",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=30,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
