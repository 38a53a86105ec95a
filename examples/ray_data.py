"""The shards of a batch on a Ray cluster, in place of the Job of k8s/batch.

    python examples/ray_data.py /recordings/manifest.txt /results 16

Both folders are volumes that every node has, and `attune` is installed on every node. Run it again to go on.
"""

import subprocess
import sys
from functools import partial


def analyse(row: dict[str, int], *, manifest: str, results: str, shards: int) -> dict[str, int]:
    """Analyse one shard as the Job does. Raises `CalledProcessError` where the process was killed."""
    shard = row["id"]
    command = ["attune", "analyze", f"--manifest={manifest}", f"--shard={shard}/{shards}"]
    command += [f"--jsonl={results}/{shard}.jsonl", "--resume", "--quiet", "--timeline-fps=5"]
    done = subprocess.run(command, check=False)
    if done.returncode not in (0, 1, 2):  # an input failed, and misuse: the same would be said again
        done.check_returncode()
    return {"shard": shard, "exit_code": done.returncode}


def main() -> int:
    import ray  # type: ignore[import-not-found]

    manifest, results, shards = sys.argv[1], sys.argv[2], int(sys.argv[3])
    outcomes = ray.data.range(shards, override_num_blocks=shards).map(
        partial(analyse, manifest=manifest, results=results, shards=shards),
        num_cpus=1,
        retry_exceptions=True,
        max_retries=4,
    )
    return max(int(outcome["exit_code"]) for outcome in outcomes.iter_rows())


if __name__ == "__main__":
    sys.exit(main())
