"""`python -m hostile.looking TARGET [options and folders of libFuzzer]`: one of `hostile.targets` under Atheris, which
looks for inputs that take new ways through the service's code."""

import sys

import atheris

with atheris.instrument_imports(include=["service", "python_multipart"]):
    from hostile.targets import TARGETS

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
