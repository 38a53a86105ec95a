"""Steps of perception to measurements and a result: the one analyser."""

from service.analysis.analyser import DEFAULT_HORIZON, Analyser

__all__ = ["DEFAULT_HORIZON", "Analyser"]
