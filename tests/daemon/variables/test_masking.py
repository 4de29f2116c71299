"""What is blacked out, and what stays readable."""

import pytest

from rw_daemon.variables.masking import Mask


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
