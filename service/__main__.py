"""`python -m service` is the command `attune`."""

import sys

from service.cli import main

sys.exit(main())
