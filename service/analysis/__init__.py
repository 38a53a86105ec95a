"""Steps of perception to measurements and a result: the one analyser."""

from service.analysis.analyser import Analyser

__all__ = ["Analyser"]
