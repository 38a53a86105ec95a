import json
import subprocess
import sys


def test_a_client_needs_no_decoder_no_detector_and_no_network() -> None:
    code = "import json, sys, service.client; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    heavy = {"mediapipe", "av", "cv2", "onnxruntime", "webrtcvad", "kaldi_native_fbank", "fastapi", "uvicorn", "PIL"}
    assert not heavy & set(json.loads(done.stdout))
