"""What a host kind cannot do when its app runs on another machine: at a URL, or on Azure."""

from collections.abc import Collection

from functune.errors import UsageError


def require_no_target(host: str, with_target: Collection[str]) -> None:
    """
    Refuse experiments whose app calls a server that the lab starts. ``host`` is the value of --host in the message.

    Raises UsageError where ``with_target`` names such an experiment.
    """
    if with_target:
        raise UsageError(
            f"--host {host} cannot have the app call a server of this machine, as workload.target of "
            f"{', '.join(with_target)} wants: set FETCH_URLS there, and remove the target"
        )
