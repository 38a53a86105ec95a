"""How soon is a replica ready, and what does it hold while nobody asks anything?"""

import time

from benchmarks.serving import say, serving

_SETTLING_SECONDS = 2.0


def measure() -> dict[str, float]:
    """One start with the settings that `attune serve` has by itself."""
    with serving() as server:
        time.sleep(_SETTLING_SECONDS)
        started = {
            "ready_seconds": server.ready_after,
            "idle_resident_bytes": server.resident_bytes,
            "idle_proportional_bytes": server.proportional_bytes,
            "processes": len(server.processes),
        }
    say(f"start: {', '.join(f'{name} {value:.4g}' for name, value in started.items())}")
    return started
