"""The nouns: names, statuses, and what an order refuses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rw_shared.models import (
    NAME_PATTERN,
    DeploymentStatus,
    Operation,
    OperationKind,
    OperationOrder,
    OperationStatus,
    ProjectOrder,
    Snapshot,
    SnapshotOrder,
    slug,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop", "shop"),
        ("My Shop_2", "my-shop-2"),
        ("--x--", "x"),
        ("Größe", "gr-e"),
        ("日本", "app"),
        ("", "app"),
        ("a" * 39 + "-bc", "a" * 39),
    ],
)
def test_a_folders_name_becomes_a_name(text: str, name: str):
    assert slug(text) == name


@given(st.text())
def test_whatever_a_folder_is_called_the_name_is_a_label_and_stays_itself(text: str):
    assert re.fullmatch(NAME_PATTERN, slug(text))
    assert slug(slug(text)) == slug(text)


WORKED_ON = {"queued", "waiting", "initializing", "building", "deploying", "removing"}


@pytest.mark.parametrize("status", DeploymentStatus, ids=str)
def test_a_deployment_is_settled_when_nobody_works_on_it(status: DeploymentStatus):
    assert status.is_settled == (status.value not in WORKED_ON)


def test_what_was_taken_back_or_removed_is_no_success():
    assert {one.value for one in DeploymentStatus if one.is_success} == {"active", "completed", "skipped", "sleeping"}
    assert all(one.is_settled for one in DeploymentStatus if one.is_success)


def test_an_operation_is_settled_once_it_ended():
    assert [one.value for one in OperationStatus if one.is_settled] == ["succeeded", "failed", "cancelled"]


def test_wire_is_camel_case_and_reads_back():
    snapshot = Snapshot(digest="sha256:a", files=2, size_bytes=3)
    assert snapshot.wire() == {"digest": "sha256:a", "files": 2, "sizeBytes": 3, "skipped": [], "changes": [], "folders": []}
    assert Snapshot.model_validate(snapshot.wire()) == snapshot


def test_an_answer_with_a_key_of_tomorrow_is_read_and_an_order_with_one_is_not():
    assert Snapshot.model_validate({"digest": "d", "files": 0, "sizeBytes": 0, "fromTomorrow": 1}).digest == "d"
    with pytest.raises(ValidationError, match="fromTomorrow"):
        SnapshotOrder.model_validate({"path": "/x", "fromTomorrow": 1})


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"message": "a\0b"}, id="NUL"),
        pytest.param({"message": "\ud800"}, id="half a surrogate pair"),
        pytest.param({"message": "x" * 4097}, id="too long"),
        pytest.param({"scale": {"web": -1}}, id="negative scale"),
        pytest.param({"scale": {"web": 51}}, id="too many replicas"),
        pytest.param({"kind": "explode"}, id="kind"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(values: dict[str, object]):
    with pytest.raises(ValidationError):
        OperationOrder.model_validate({"kind": "up", **values})


@pytest.mark.parametrize("name", ["-a", "A", "a_b", "a" * 41, "a."])
def test_a_project_needs_a_name_that_is_a_label(name: str):
    with pytest.raises(ValidationError):
        ProjectOrder(name=name)


def test_the_callers_environment_does_not_show_when_an_order_is_printed():
    assert "s3cret" not in repr(OperationOrder(kind=OperationKind.UP, environ={"UV_INDEX_URL": "https://u:s3cret@x"}))
    assert "environ" not in Operation.model_fields
