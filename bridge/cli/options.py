"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigDirectory = Annotated[
    Path,
    typer.Option("--config", metavar="DIR", help="The directory with bridge.yaml and rooms/.", show_default=True),
]
