"""Steps of perception to measurements, and to the result of a recording or the messages of a live session."""

from service.analysis.analyser import Analyser
from service.analysis.baseline import Baseline
from service.analysis.live import LiveAnalysis
from service.analysis.recording import Recording

__all__ = ["Analyser", "Baseline", "LiveAnalysis", "Recording"]
