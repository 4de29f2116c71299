"""What is blacked out, and what stays readable."""

import pytest

from rw_daemon.variables.masking import Mask, secrets_of


@pytest.mark.parametrize(
    ("values", "text", "wanted"),
    [
        (["s3cret-value"], "token=s3cret-value!", "token=***!"),
        (["short"], "a short word", "a short word"),
        (["secret", "secret-longer"], "secret-longer secret", "*** ***"),
        (["-----BEGIN KEY-----\nabcdefgh\n"], "abcdefgh", "***"),
        ([], "anything", "anything"),
    ],
)
def test_values_are_blacked_out(values: list[str], text: str, wanted: str) -> None:
    assert Mask(values)(text) == wanted


def test_what_counts_as_a_secret() -> None:
    variables = {
        "API_KEY": "k-123456", "DB_PASSWORD": "pw-123456", "LOG_LEVEL": "debugging", "PORT": "8080",
        "DATABASE_URL": "postgres://me:p%40ss-word@db:5432/x", "SITE": "https://example.com/a",
    }  # fmt: skip
    assert secrets_of(variables) == {"k-123456", "pw-123456", "p%40ss-word", "p@ss-word"}
