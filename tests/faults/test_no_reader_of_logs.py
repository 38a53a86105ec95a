"""Standard error leads nowhere: whoever read it is gone."""

import sys

import pytest
from faults.damaged import analyse, damaged


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_service_whose_log_nobody_reads_works_and_ends_as_ever(clip: bytes, log_format: str) -> None:
    # What follows is started with a pipe for both outputs whose other end is closed.
    close = "import os, sys; read, write = os.pipe(); os.close(read); os.dup2(write, 1); os.dup2(write, 2); "
    become = [sys.executable, "-c", close + "os.execv(sys.argv[1], sys.argv[1:])"]
    with damaged(within=become, log_format=log_format, log_level="debug") as (replica, client):
        for _ in range(2):
            assert analyse(client, clip).status_code == 200
        assert analyse(client, b"no film").status_code == 415
        assert replica.stop() == 0
