"""Opening an ONNX file on the execution provider that was asked for, and on no other."""

import logging
from pathlib import Path
from typing import Literal

import onnxruntime as ort

from service.domain import Provider
from service.errors import ModelMismatch, ProviderUnavailable

ProviderChoice = Literal["auto", "cpu", "cuda"]

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_CUDA_OPTIONS = {
    "use_tf32": "0",  # which would round what is multiplied to ten bits: fp32 means the CPU's numbers
    "cudnn_conv_algo_search": "HEURISTIC",  # trying all for every size of run would stall whoever comes first
}
_log = logging.getLogger(__name__)


def select_provider(choice: ProviderChoice) -> Provider:
    """The provider to use for `choice`.

    onnxruntime falls back to the CPU silently when CUDA does not load, so `open_session` asserts what it got;
    here `auto` takes CUDA where this build of onnxruntime offers it. Raises `ProviderUnavailable` for `cuda`
    on a build without it.
    """
    offered = _CUDA in ort.get_available_providers()
    if choice == "cuda" and not offered:
        raise ProviderUnavailable("this onnxruntime has no CUDA provider; install the extra `gpu` instead of `cpu`")
    return "cuda" if offered and choice != "cpu" else "cpu"


def open_session(file: Path, provider: Provider, *, threads: int) -> ort.InferenceSession:
    """Load `file` and assert that its first provider is `provider`.

    Raises `ModelMismatch` for a file that is no readable ONNX model, `ProviderUnavailable` when the provider
    did not come up.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A spinning pool would burn the cores that decoding and detection need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if provider == "cuda" and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()
    try:
        model = file.read_bytes()
    except OSError as error:
        raise ModelMismatch(f"model file {file.name} cannot be read: {error.strerror}") from error
    providers = [(_CUDA, _CUDA_OPTIONS), _CPU] if provider == "cuda" else [_CPU]
    try:
        session = ort.InferenceSession(model, options, providers=providers)
    except Exception as error:  # onnxruntime's exceptions share no base class but Exception
        raise ModelMismatch(f"model file {file.name} cannot be loaded: {type(error).__name__}") from error
    active = session.get_providers()[0]
    if active != (_CUDA if provider == "cuda" else _CPU):
        raise ProviderUnavailable(f"asked for {provider}, but onnxruntime runs {file.name} on {active}")
    _log.info("%s runs on %s", file.name, active)
    return session
