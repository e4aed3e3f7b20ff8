"""``python -m maydan``: the same as the command ``maydan``."""

import sys

from maydan.cli.main import main

sys.exit(main())
