"""What the processes of a service hold: memory, descriptors, sockets, threads, temporary files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.serving import Server


@dataclass(frozen=True, slots=True)
class Held:
    """At one moment, of all processes together."""

    processes: int
    proportional_bytes: int
    """Memory; pages that several processes share count once."""
    resident_bytes: int
    descriptors: int
    sockets: int
    """Of the descriptors."""
    threads: int
    files: int
    """In the folder of temporary files, removed ones that are still open among them."""

    @classmethod
    def of(cls, server: Server, folder: Path) -> Self:
        """Of `server`, whose temporary files lie in `folder`."""
        pids = server.processes
        targets = [target for pid in pids for target in _targets(pid)]
        return cls(
            processes=len(pids),
            proportional_bytes=server.proportional_bytes,
            resident_bytes=server.resident_bytes,
            descriptors=len(targets),
            sockets=sum(target.startswith("socket:") for target in targets),
            threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
            files=sum(1 for path in folder.rglob("*") if path.is_file())
            + sum(target.startswith(f"{folder}/") and target.endswith(" (deleted)") for target in targets),
        )

    def row(self) -> str:
        """A line of a table; `HEADING` is over it."""
        return (
            f"{self.processes:9d} {self.proportional_bytes / 1e6:9.1f} {self.resident_bytes / 1e6:11.1f} "
            f"{self.descriptors:11d} {self.sockets:7d} {self.threads:7d} {self.files:5d}"
        )


HEADING = "processes    PSS MB resident MB descriptors sockets threads files"


def _targets(pid: int) -> list[str]:
    """What each descriptor of a process stands for."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except FileNotFoundError:
            continue  # closed meanwhile
    return found
