"""
The style sheets and the script of the pages, which contain them so that they load nothing.

base.css has the themes and what every page shares.
"""

import re
from functools import cache
from importlib import resources
from typing import Literal

type Theme = Literal["light", "dark"]


@cache
def asset(name: str) -> str:
    """The text of an asset. Raises FileNotFoundError for a name that there is no file of."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def theme_colors(theme: Theme) -> dict[str, str]:
    """The colours of a theme as ``#rrggbb``, by the name of their variable in base.css without the dashes."""
    blocks = re.findall(r":root\s*{([^}]*)}", asset("base.css"))
    block = blocks[0 if theme == "light" else 1]
    return dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})", block))
