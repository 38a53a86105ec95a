"""Build the image of docker/Dockerfile without a Docker engine, look into it, run it, have it analyse a recording.

    python -m scripts.image_check

Every RUN step of the target `cpu` runs, in a chroot, on a clean Debian 12 that debootstrap makes; buildah does the rest
of what an engine would (stages, COPY, .dockerignore). What comes out is run as compose and Kubernetes run it
(scripts/confined.py). Needs root, and the programs debootstrap, buildah and curl. Exits 0, or 1 after saying what is
wrong.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.confined import Confined, Image, configuration, confined

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "service" / "page" / "sample.mp4"
PROGRAMS = ("buildah", "curl", "debootstrap", "nsenter", "unshare")

BASE = "localhost/debian:bookworm"
IMAGE = "localhost/attune:cpu"
OWN_CERTIFICATES = "usr/local/share/ca-certificates"
"""Authorities that this machine trusts beside Debian's; the package index may be behind one of them."""

WANTED = (
    "opt/attune/bin/attune",
    "opt/attune/share/face_detection_short_range.tflite",
    "opt/attune/lib/python3*/site-packages/service/weights/face_encoder.onnx",
    "opt/attune/lib/python3*/site-packages/service/weights/fusion.onnx",
    "opt/attune/lib/python3*/site-packages/service/page/index.html",
)
UNWANTED = (
    *(f"usr/bin/{name}" for name in ("cc", "c++", "curl", "gcc", "g++", "git", "make", "pip*", "wget")),
    *("opt/attune/bin/pip*", "opt/attune/lib/python3*/site-packages/pip*", "opt/build", "src", "tmp/*"),
    *("root/.cache", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*"),
)

READY_SECONDS = 120.0
ANALYSIS_SECONDS = 120
STOP_SECONDS = 60.0


class Wrong(Exception):
    """What the check has found."""


def main() -> int:
    """Do all of it; 0, or 1 after saying what is wrong."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended on the way out
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print(f"image-check needs root and {', '.join(PROGRAMS)}; missing: {', '.join(missing) or 'root'}")
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="attune-image-") as folder, _Store(Path(folder)) as store:
            with _said("a clean Debian"):
                store.make_base()
            with _said("the image's steps"):
                store.build()
            with _said("what is in it"), store.unpacked() as image:
                look_into(image)
            with _said("what it does"), store.unpacked() as image:
                try_out(image)
    except Wrong as error:
        print(f"image-check: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _said(what: str) -> Iterator[None]:
    print(f"== {what}", flush=True)
    start = time.monotonic()
    yield
    print(f"== {what}: {time.monotonic() - start:.0f} s", flush=True)


def _run(*command: str) -> None:
    """Run a command that may start others: when we are told to stop, all of them are."""
    with subprocess.Popen(command, process_group=0) as process:
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    if code != 0:
        raise Wrong(f"exit code {code}: {' '.join(command)}")


class _Store:
    """buildah with a storage of its own, which is emptied on leaving."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buildah = ("buildah", f"--root={folder / 'storage'}", f"--runroot={folder / 'run'}")

    def __enter__(self) -> "_Store":
        return self

    def __exit__(self, *_: object) -> None:
        self._ask("rm", "--all")
        self._ask("rmi", "--all", "--force")

    def make_base(self) -> None:
        """A Debian like that of the official image, from debootstrap's archive, with this machine's authorities."""
        debian = self._folder / "debian"
        _run("debootstrap", "--variant=minbase", "bookworm", str(debian))
        (debian / "etc/apt/apt.conf.d/keep-nothing").write_text('APT::Keep-Downloaded-Packages "false";\n')
        shutil.copytree(Path("/", OWN_CERTIFICATES), debian / OWN_CERTIFICATES, dirs_exist_ok=True)
        _run("chroot", str(debian), "apt-get", "clean")
        container = self._ask("from", "scratch")
        _run("cp", "--archive", f"{debian}/.", self._ask("mount", container))
        self._ask("commit", "--rm", container, BASE)
        shutil.rmtree(debian)

    def build(self) -> None:
        """Every step of the target cpu, none taken from a cache."""
        options = ("--isolation=chroot", "--format=docker", "--pull-never", "--no-cache")
        what = (f"--build-arg=BASE={BASE}", f"--file={ROOT / 'docker' / 'Dockerfile'}", "--target=cpu")
        _run(*self._buildah, "build", *options, *what, f"--tag={IMAGE}", str(ROOT))

    @contextmanager
    def unpacked(self) -> Iterator[Image]:
        """The image as files."""
        container = self._ask("from", "--pull-never", IMAGE)
        root = Path(self._ask("mount", container))
        yield Image(root, configuration(self._ask("inspect", "--type=image", IMAGE)))
        self._ask("rm", container)

    def _ask(self, *arguments: str) -> str:
        done = subprocess.run([*self._buildah, *arguments], check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Wrong(f"exit code {done.returncode}: buildah {' '.join(arguments)}")
        return done.stdout.strip()


def look_into(image: Image) -> None:
    """What has to be there is, what must not be is not, and nothing of it belongs to the user it runs as."""
    absent = [pattern for pattern in WANTED if not list(image.root.glob(pattern))]
    present = [str(path) for pattern in UNWANTED for path in image.root.glob(pattern)]
    user, group = image.user
    find = ["find", str(image.root), "-xdev", "(", "-uid", user, "-o", "-gid", group]
    find += ["-o", "-type", "f", "-perm", "-o+w", ")"]
    found = subprocess.run(find, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    for what, names in (("absent", absent), ("should not be there", present), ("can be changed", found)):
        if names:
            raise Wrong(f"{what}: {', '.join(names[:10])}")
    for part in ("opt/attune", "usr", "."):
        du = ["du", "-sxm", str(image.root / part)]
        size = subprocess.run(du, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0]
        print(f"{size} MiB in /{part.strip('.')}", flush=True)


def try_out(image: Image) -> None:
    """Closed without a key; ready, analysing and leaving as it should with one."""
    code, _, complaint = _ended(image)
    if code == 0 or "without API keys" not in complaint:
        raise Wrong(f"without keys the service must say so and end; it ended with {code} and said {complaint!r}")
    key, entry = _key_and_entry(_ended(image, "key", "check")[1])
    secrets = {"ATTUNE_API_KEYS": entry, "ATTUNE_CHECKPOINT_KEY": "only for this check", "ATTUNE_SPOOL_DIR": "/spool"}
    with confined(image, image.command(), secrets) as service:
        _wait_until_healthy(image, service)
        _analyse(service, key)
        service.signal(signal.SIGTERM)
        try:
            code = service.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Wrong(f"still there {STOP_SECONDS:.0f} s after SIGTERM") from None
        if code != 0:
            raise Wrong(f"exit code {code} after SIGTERM")


def _ended(image: Image, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of the image's command, which has to end by itself."""
    with confined(image, image.command(*arguments), heard=True) as inside:
        try:
            output, complaints = inside.process.communicate(timeout=READY_SECONDS)
        except subprocess.TimeoutExpired:
            raise Wrong(f"attune {' '.join(arguments)} still runs after {READY_SECONDS:.0f} s") from None
        return inside.process.returncode, output, complaints


def _key_and_entry(printed: str) -> tuple[str, str]:
    """What `attune key` printed: a new key, and what names it in the configuration."""
    lines = [line.split() for line in printed.splitlines()]
    if [line[0] for line in lines] != ["key", "entry"]:
        raise Wrong(f"`attune key` printed {printed!r}")
    return lines[0][1], lines[1][1]


def _wait_until_healthy(image: Image, service: Confined) -> None:
    """Ask as the engine does, by the image's HEALTHCHECK."""
    command = image.config["Healthcheck"]["Test"]
    if command[0] != "CMD":
        raise Wrong(f"a HEALTHCHECK that needs a shell: {command}")
    start = time.monotonic()
    while time.monotonic() - start < READY_SECONDS:
        if service.process.poll() is not None:
            raise Wrong(f"the service ended with {service.process.returncode}")
        if service.started() and service.enter(*command[1:]).returncode == 0:
            print(f"healthy after {time.monotonic() - start:.1f} s", flush=True)
            return
        time.sleep(0.5)
    raise Wrong(f"not healthy after {READY_SECONDS:.0f} s")


def _analyse(service: Confined, key: str) -> None:
    """The sample clip through the interface, from outside the image."""
    ask = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", str(ANALYSIS_SECONDS)]
    ask += ["--header", f"Authorization: Bearer {key}", "--form", f"file=@{SAMPLE}"]
    answer = service.enter(*ask, "http://127.0.0.1:8000/v1/analyses", all_of_it=False)
    if answer.returncode != 0:
        raise Wrong(f"no analysis: {answer.stderr}{answer.stdout[:1000]}")
    people = json.loads(answer.stdout)["people"]
    if len(people) != 1 or abs(sum(people[0]["summary"]["probabilities"].values()) - 1) > 1e-3:
        raise Wrong(f"the sample has one person; the answer: {answer.stdout[:1000]}")
    print(f"the sample's person: {people[0]['summary']['probabilities']}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
