"""What a caller gets: typed results, summary, attention. No I/O."""

from service.timeline.models import AnalysisResult
from service.timeline.recorder import Recorder

__all__ = ["AnalysisResult", "Recorder"]
