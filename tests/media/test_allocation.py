import resource
import struct

from hostile.building import box
from hostile.originals import originals
from media.clips import read_all

_MIB = 1 << 20


def peak() -> int:
    """Most memory that this process has held so far, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_fragment_that_announces_a_hundred_million_samples_takes_no_memory_for_them() -> None:
    head = box(b"tfhd", struct.pack(">IIII", 0x020018, 1, 512, 1))  # durations and sizes of all samples: none is listed
    run = box(b"trun", struct.pack(">II", 0, 100_000_000))
    tracks = box(b"traf", head + box(b"tfdt", struct.pack(">IQ", 1 << 24, 6000)) + run)
    media = originals()["mp4 fragments"]
    before = peak()
    assert read_all(media + box(b"moof", box(b"mfhd", bytes(8)) + tracks) + box(b"mdat", bytes(1000))).info.frames > 0
    assert peak() - before < 200 * _MIB
