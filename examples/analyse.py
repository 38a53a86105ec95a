"""Analyse one recording over HTTP, with Python's own library alone.

    ATTUNE_URL=http://127.0.0.1:8000 ATTUNE_API_KEY=... python examples/analyse.py talk.mp4

Prints what each person expresses over the whole recording; exit code 1 where the service refuses.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ATTEMPTS = 5


def analyse(url: str, key: str, recording: Path) -> Any:
    """The result. Raises `HTTPError` where the service refuses for good."""
    for attempt in range(1, ATTEMPTS + 1):
        with recording.open("rb") as media:  # read as it is sent: a recording need not fit into memory
            headers = {
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/octet-stream",
                "Content-Length": str(recording.stat().st_size),
            }
            try:
                with urlopen(Request(f"{url}/v1/analyses?timeline_fps=5", media, headers)) as answer:  # nosec B310
                    return json.load(answer)
            except HTTPError as refusal:
                # 429 and 503 say when to come again. Everything else would be said again.
                if refusal.code not in (429, 503) or attempt == ATTEMPTS:
                    raise
                time.sleep(float(refusal.headers["Retry-After"]))
    raise AssertionError


def main() -> int:
    url = os.environ.get("ATTUNE_URL", "http://127.0.0.1:8000")
    try:
        result = analyse(url, os.environ.get("ATTUNE_API_KEY", "none"), Path(sys.argv[1]))
    except HTTPError as refusal:
        problem = json.load(refusal)
        print(f"{problem['code']}: {problem['detail']}", file=sys.stderr)
        return 1
    for person in result["people"]:
        summary = person["summary"]
        print(f"person {person['id']}: {summary['expressed'] or summary['reason']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
