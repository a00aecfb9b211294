from pathlib import Path

import yaml


def load() -> dict:
    return yaml.safe_load((Path(__file__).parent / "settings.yaml").read_text())
