"""What the figures were measured on."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from service.settings import available_cores

_LIBRARIES = (
    "av",
    "kaldi-native-fbank",
    "mediapipe",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-contrib-python",
)


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
        **{name: found for name in _LIBRARIES if (found := _version(name)) is not None},
    }


def card() -> str:
    """NVIDIA's cards, their memory and driver, as its own program says; empty where there is none."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _version(library: str) -> str | None:
    """None where it is not installed: of the two builds of onnxruntime there is one."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
