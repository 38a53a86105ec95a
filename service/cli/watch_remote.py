"""Watching on a server."""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Coroutine

from service.cli.watch import KEY_VARIABLE, is_camera
from service.cli.watch_camera import NO_MICROPHONE, Camera, devices_of
from service.cli.watch_file import play
from service.cli.watch_view import View
from service.client import Session, SessionUpdate, connect
from service.errors import AttuneError

_TICK = 0.25
"""Seconds between two looks at the connection."""


async def watch_there(arguments: argparse.Namespace, view: View) -> None:
    """Watch until the source ends or Ctrl-C. Raises AttuneError for what cannot be watched, and what the session does.

    The first Ctrl-C ends the media, another one everything.
    """
    camera = Camera(*devices_of(arguments.source)) if is_camera(arguments.source) else None
    config = SessionUpdate(
        input="container" if camera is None else "frames",
        faces=arguments.faces,
        horizon=arguments.horizon,
        alignment=False,
        late=arguments.late or ("wait" if camera is None else "drop"),
    )
    async with connect(arguments.url, config, key=os.environ.get(KEY_VARIABLE)) as session:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.remove_signal_handler(signal.SIGINT)
            stopping.set()
            if camera is not None:
                camera.stop()

        loop.add_signal_handler(signal.SIGINT, stop)
        source = _send_file(session, arguments.source, stopping) if camera is None else _send_camera(session, camera)
        feeding = asyncio.create_task(_feed(session, source))
        ticking = asyncio.create_task(_tick(session, camera, view))
        try:
            async for event in session:
                view.show(event)
            await feeding
        finally:
            feeding.cancel()
            ticking.cancel()
            await asyncio.gather(feeding, ticking, return_exceptions=True)
            loop.remove_signal_handler(signal.SIGINT)


async def _feed(session: Session, source: Coroutine[None, None, None]) -> None:
    """Send all of the source; where it fails, what was sent is measured nevertheless."""
    failure: AttuneError | None = None
    try:
        await source
    except AttuneError as error:
        failure = error
    await session.close()
    if failure is not None:
        raise failure


async def _send_file(session: Session, name: str, stopping: asyncio.Event) -> None:
    begin = time.monotonic()
    for due, chunk in play(name):
        try:
            async with asyncio.timeout(begin + due - time.monotonic()):
                await stopping.wait()
        except TimeoutError:
            await session.send(chunk)
        else:
            return


async def _send_camera(session: Session, camera: Camera) -> None:
    with camera:
        messages = iter(camera)
        while (timed := await asyncio.to_thread(next, messages, None)) is not None:
            message, _ = timed
            at = message.time / 1e9
            if message.kind == "picture":
                await session.send_picture(message.payload, at)
            else:
                await session.send_sound(message.payload, at, rate=message.rate)


async def _tick(session: Session, camera: Camera | None, view: View) -> None:
    """Say how the connection is, also while nothing comes from it."""
    while True:
        await asyncio.sleep(_TICK)
        if not session.is_connected:
            view.note("connection lost, trying again")
        else:
            view.note(NO_MICROPHONE if camera is not None and camera.is_silent else "")
        view.refresh()
