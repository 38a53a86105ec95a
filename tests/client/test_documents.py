"""The program in docs/client.md runs as it stands."""

import asyncio
import re
from pathlib import Path

import pytest
from client.fake import FakeServer
from client.sessions import recording, run

DOCUMENT = Path(__file__).parents[2] / "docs" / "client.md"


def test_the_documents_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [program] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (tmp_path / "talk.webm").write_bytes(recording())
    monkeypatch.chdir(tmp_path)

    async def follow() -> None:
        async with FakeServer().running() as server:
            there = program.replace("http://127.0.0.1:8000", server.url)
            await asyncio.to_thread(exec, compile(there, "client.md", "exec"), {})

    run(follow())
    assert "SessionPerson(" in capsys.readouterr().out
