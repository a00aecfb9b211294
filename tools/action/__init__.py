"""
The steps of the GitHub Action in action.yml: install, measure, comment, end.

    cd "$GITHUB_ACTION_PATH" && python -m tools.action measure

They need Python 3.13 alone: what they know about functune is its command line. Each reads its inputs from INPUT_…
variables and keeps what the next one needs in a folder below RUNNER_TEMP, so each runs anywhere.
"""
