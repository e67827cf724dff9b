"""`gateway demo`: the stage with an inbox page before it, until the visitor has seen enough."""

import asyncio
import contextlib

from gateway.demo import history
from gateway.demo.inbox_page import create_app
from gateway.demo.stage import HOST, NAME, Stage, staged, until_stopped
from gateway.edge.web.serving import serve_web
from gateway.prepare import bind


async def run(port: int) -> int:
    """Show the demo until Ctrl-C; the command's exit code."""
    await until_stopped(_show(port))
    print("\nStopped; the demo's folder is deleted.")
    return 0


async def _show(port: int) -> None:
    async with staged() as stage, contextlib.AsyncExitStack() as stack:
        print("A moment: the practice's last ten weeks happen first, for its report.", flush=True)
        await history.play(stage)
        where = await _serve(stack, stage, port)
        print(
            f"\n  Open this page:   http://{where}/\n"
            f"  The portal is at  {stage.site.portal_url}  (the invitation's link leads there)\n"
            f"  SMTP listens at   {stage.gateway.listening['smtp']}  (for your mail client: no password, no TLS)\n\n"
            "  Everything runs on this machine, in a temporary folder. Ctrl-C ends it and leaves nothing behind.\n",
            flush=True,
        )
        await asyncio.Event().wait()  # until it is cancelled


async def _serve(stack: contextlib.AsyncExitStack, stage: Stage, port: int) -> str:
    app = await create_app(stage)
    try:
        bound = bind((HOST, port))
    except OSError:
        print(f"Port {port} is taken; using a free one.")
        bound = bind((HOST, 0))
    await serve_web(stack, app, bound)
    return f"{NAME}:{bound.getsockname()[1]}"
