"""Write docs/openapi.json: the HTTP interface as the service itself describes it at /openapi.json.

python scripts/openapi.py
"""

import json
from pathlib import Path
from typing import Any, Final

from service.api import create_app
from service.settings import Settings

FILE: Final = Path(__file__).parents[1] / "docs" / "openapi.json"


def document() -> dict[str, Any]:
    """The whole OpenAPI document of a service whose metrics are on its main port."""
    return create_app(Settings(admin_port=None)).openapi()


def text() -> str:
    """What the file holds."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
