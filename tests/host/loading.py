"""An app that cannot be loaded, in the process of the test: workers of their own, and no command around them."""

import io
import os
from pathlib import Path

import pytest

from functune.errors import HostError
from functune.host.application import load_application
from functune.host.console import Console
from functune.host.settings import read_host_settings
from tests.host.serving import children


async def load_failure(script_root: Path, *, verbose: bool = False) -> str:
    """All that the host prints when it loads the app, and the error it ends with; checks that no process is left."""
    before = set(children(os.getpid()))
    printed = io.StringIO()
    with pytest.raises(HostError) as raised:
        await load_application(
            read_host_settings(script_root=script_root, verbose=verbose), Console(verbose=verbose, stream=printed)
        )
    assert set(children(os.getpid())) <= before
    return f"{printed.getvalue()}{raised.value}"
