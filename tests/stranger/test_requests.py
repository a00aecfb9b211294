"""A binding that only the real host serves, and a signed POST API with a queue as its output."""

import hashlib
import hmac
from pathlib import Path

import pytest

from tests.stranger.installed import Stranger
from tests.stranger.said import assert_answer

pytestmark = pytest.mark.network

KEY, BODY = "the-signing-key", b'{"amount": 3}'


@pytest.mark.parametrize("app", ["storage"], indirect=True)
def test_blob_input_is_the_reason_why_an_app_cannot_be_tuned(app: Path, stranger: Stranger) -> None:
    with stranger.serve(app) as host:
        assert host.ready().get("/api/price").status_code == 500
    done = stranger.tune(app, "/api/price")
    assert done.returncode == 3
    assert "GET /api/price: HTTP 500" in done.stderr
    assert "prices" in done.stderr
    assert "blob" in done.stderr


@pytest.mark.parametrize("app", ["signed"], indirect=True)
def test_signed_post_with_ids_from_a_file_and_a_queue_output_is_tuned(app: Path, stranger: Stranger) -> None:
    signature = hmac.digest(KEY.encode(), BODY, hashlib.sha256).hex()
    (stranger.folder / "ids.csv").write_text("\n".join(["id", *map(str, range(101, 121))]))
    with stranger.serve(app, SIGNING_KEY=KEY) as host:
        host.ready()
        for sent, status in ((signature, 202), ("wrong", 401)):
            answer = host.request("POST", "/api/orders/101", content=BODY, headers={"x-signature": sent})
            assert answer.status_code == status
    request = ("/api/orders/{id}", "--json", BODY.decode(), "-H", "x-signature: ${SIGNATURE}", "--values", "ids.csv")
    done = stranger.tune(app, *request, SIGNING_KEY=KEY, SIGNATURE=signature)
    assert_answer(done)
    assert "No such file" not in done.stdout  # the profile sends the same requests
    files = [path for path in (stranger.folder / "runs").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if signature in path.read_text(errors="replace")] == []
    wrong = stranger.tune(app, *request, SIGNING_KEY=KEY, SIGNATURE="deadbeef")
    assert wrong.returncode == 3
    assert "POST /api/orders/{id}: HTTP 401, 'the signature is wrong'" in wrong.stderr
