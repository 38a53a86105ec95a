"""What the figures were measured on."""

import platform
from importlib.metadata import version
from pathlib import Path

from service.settings import available_cores

_LIBRARIES = ("av", "kaldi-native-fbank", "mediapipe", "numpy", "onnxruntime", "opencv-contrib-python")


def machine() -> str:
    """Kind of processor and number of cores."""
    return f"{platform.machine()}, {available_cores()} cores"


def description() -> dict[str, str]:
    """The machine and what runs on it, for a report."""
    memory = next(line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    model = next((line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    return {
        "machine": machine(),
        "processor": model,
        "memory": f"{int(memory) / 2**20:.0f} GiB",
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
