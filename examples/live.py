"""Stream a recording as if it were made now, and tell what each person expresses while they speak.

    ATTUNE_URL=http://127.0.0.1:8000,http://127.0.0.1:8001 ATTUNE_API_KEY=... python examples/live.py talk.webm

Several addresses are replicas: a session outlives the one that it began on.
"""

import asyncio
import os
import sys
from pathlib import Path

from service.client import Session, connect
from service.protocol.messages import Measurement, SessionSummary, SessionUpdate


async def main(recording: Path) -> None:
    urls = os.environ.get("ATTUNE_URL", "http://127.0.0.1:8000").split(",")
    config = SessionUpdate(interval=0.2, attention=False, alignment=False)
    async with (
        connect(urls, config, key=os.environ.get("ATTUNE_API_KEY")) as session,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(feed(session, recording))
        expressed: dict[int, str] = {}
        async for message in session:
            if isinstance(message, Measurement):
                likeliest = max(message.probabilities, key=message.probabilities.__getitem__)
                if expressed.get(message.id) != likeliest:
                    expressed[message.id] = likeliest
                    print(f"{message.time:6.1f} s  person {message.id}: {likeliest}")
            elif isinstance(message, SessionSummary):
                for person in message.people:
                    print(f" whole    person {person.id}: {person.summary.expressed or person.summary.reason}")


async def feed(session: Session, recording: Path) -> None:
    """Send the recording; `send` waits where the server is slower than the file is read."""
    with recording.open("rb") as media:
        while chunk := media.read(16_384):
            await session.send(chunk)
    await session.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
