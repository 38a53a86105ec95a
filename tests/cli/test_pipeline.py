"""What the command's analysis knows of its input."""

from pathlib import Path

import pytest
from media.clips import Clip, write_clip

from service.cli.pipeline import Pipeline
from service.cli.sources import open_source
from service.errors import MediaTruncated
from service.settings import Settings


def test_a_truncated_file_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    file = tmp_path / "cut.mp4"
    file.write_bytes(write_clip(Clip(muxer={"movflags": "faststart"}))[:-100])
    with (
        Pipeline(Settings(), "cpu") as pipeline,
        open_source(str(file)) as source,
        pytest.raises(MediaTruncated),
        pipeline.decode(source),
    ):
        pass
