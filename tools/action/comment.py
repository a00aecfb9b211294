"""
The step that writes the summary as a comment on the pull request, and updates that comment from then on.

It calls GitHub's API by the standard library. The command gh is missing on many self-hosted runners and in job
containers, and it talks to no stand-in of the API without TLS, so the tests could not run this step.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

from tools.action.log import warning
from tools.action.result import SUMMARY, Result

API_VERSION = "2022-11-28"
PER_PAGE = 100
"""The most comments that the API lists at a time."""
TIMEOUT = 30.0
"""Seconds for one request."""
LONGEST = 65_000
"""Characters of a comment; the API takes 65,536."""
CUT = "\n\n… The whole summary is on the page of the job.\n"


def main(environ: Mapping[str, str]) -> int:
    """
    Write the comment.

    The exit status is 0 also where that is refused, as for a pull request from a fork, whose token cannot write: the
    summary is on the page of the job, and the verdict has a step of its own. The reason is a warning.
    """
    folder = Path(environ["INPUT_FOLDER"])
    result, number = Result.read(folder), pull_request(Path(environ["GITHUB_EVENT_PATH"]))
    if not result.comment or number is None:
        return 0
    api = Api(environ["GITHUB_API_URL"], environ["GITHUB_REPOSITORY"], environ["GITHUB_TOKEN"])
    try:
        print(f"Comment: {put_comment(api, number, result.key, (folder / SUMMARY).read_text(encoding='utf-8'))}")
    except urllib.error.HTTPError as problem:
        warning(f"the comment was refused with {problem.code}{remedy(problem.code)}")
    except OSError as problem:
        warning(f"GitHub's API did not answer: {problem}")
    return 0


def remedy(status: int) -> str:
    """What to do about a status; empty where there is nothing to do."""
    if status not in (401, 403, 404):
        return ""
    return (
        ": the token may not write it. Give the job `permissions: {contents: read, pull-requests: write}`. On a pull "
        "request from a fork GitHub gives no token that can write; the summary is on the page of the job"
    )


def pull_request(event: Path) -> int | None:
    """The number of the pull request that started the workflow; None for another event."""
    found = json.loads(event.read_text(encoding="utf-8")).get("pull_request", {}).get("number")
    return found if isinstance(found, int) else None


def put_comment(api: "Api", number: int, key: str, summary: str) -> str:
    """Create the comment, or update the one that an earlier run created. Returns its address."""
    mark = f"<!-- functune: {key} -->"
    body = f"{mark}\n{summary}"
    content = {"body": body if len(body) <= LONGEST else body[: LONGEST - len(CUT)] + CUT}
    for comment in api.comments(number):
        # Anybody can write the mark. Only a comment of an app is taken for one's own.
        if str(comment["body"]).startswith(mark) and comment["user"]["type"] == "Bot":
            return str(api.send("PATCH", f"issues/comments/{comment['id']}", content)["html_url"])
    return str(api.send("POST", f"issues/{number}/comments", content)["html_url"])


class SameAddress(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: urllib would send the token to wherever it leads."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None, which makes the answer an error."""


class Api:
    """GitHub's API for one repository. Raises HTTPError where it refuses a request, OSError without an answer."""

    def __init__(self, address: str, repository: str, token: str) -> None:
        if not re.match(r"https?://", address):
            raise ValueError(f"GITHUB_API_URL is {address!r}, and no address of HTTP")
        self.base = f"{address.rstrip('/')}/repos/{repository}"
        self.headers = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "x-github-api-version": API_VERSION,
        }
        self.opener = urllib.request.build_opener(SameAddress)

    def send(self, method: str, path: str, content: object = None) -> Any:
        """What the API answers."""
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.base}/{path}", data, self.headers, method=method)
        with self.opener.open(request, timeout=TIMEOUT) as answer:
            return json.load(answer)

    def comments(self, number: int) -> Any:
        """Every comment of a pull request, the oldest first."""
        page = 1
        while found := self.send("GET", f"issues/{number}/comments?per_page={PER_PAGE}&page={page}"):
            yield from found
            if len(found) < PER_PAGE:
                return
            page += 1
