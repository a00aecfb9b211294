"""The line of an app that sets anyio's limiter of threads, which no setting of a platform does."""

from functune.setting import Setting


def limiter_line(tokens: int) -> str:
    """The line, which runs on the event loop: in the lifespan of the app."""
    return f"anyio.to_thread.current_default_thread_limiter().total_tokens = {tokens}"


def limiter_note(setting: Setting) -> str | None:
    """How to set the limiter of a setting; None where it leaves the limiter to the app."""
    if setting.limiter_tokens is None:
        return None
    return (
        "limiter_tokens: no setting of the platform sets it. With `import anyio`, add this line to the lifespan of the "
        f"app, in place of one that sets another number: {limiter_line(setting.limiter_tokens)}"
    )
