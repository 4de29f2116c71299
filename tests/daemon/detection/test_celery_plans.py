"""What runs beside a server for the tasks of Celery."""

from __future__ import annotations

import pytest

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan
from rw_shared.models import ServiceKind

FLASK = "from flask import Flask\nfrom celery import Celery\napp = Flask(__name__)\ntasks = Celery(__name__)\n"
ALONE = "from celery import Celery\napp = Celery('t')\n"
MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
DJANGO = {"manage.py": MANAGE, "shop/wsgi.py": "", "shop/__init__.py": "", "shop/celery.py": ALONE}
WORKER = "celery -A {} worker --loglevel INFO"
BEAT = "celery -A {} beat --loglevel INFO --schedule /tmp/celerybeat-schedule"


def planned(requirements: str, files: dict[str, str]) -> BuildPlan:
    return registry.plan(Request(Source({"requirements.txt": requirements, **files})))


@pytest.mark.parametrize(
    ("requirements", "files", "starts"),
    [
        pytest.param(
            "flask gunicorn celery", {"app.py": FLASK},
            {"web": "gunicorn app:app --bind $HOST:$PORT", "worker": WORKER.format("app:tasks")}, id="beside a server",
        ),
        pytest.param("celery", {"tasks.py": ALONE}, {"worker": WORKER.format("tasks:app")}, id="alone"),
        pytest.param(
            "celery", {"worker.py": f"{ALONE}if __name__ == '__main__':\n    app.start()\n"}, {"worker": WORKER.format("worker:app")}, id="a script that only defines tasks",
        ),
        pytest.param(
            "django gunicorn celery", {**DJANGO, "shop/settings.py": "CELERY_BEAT_SCHEDULE = {}\n"},
            {"web": "gunicorn shop.wsgi:application --bind $HOST:$PORT", "worker": WORKER.format("shop.celery:app"), "beat": BEAT.format("shop.celery:app")},
            id="Django with a schedule",
        ),
        pytest.param(
            "django gunicorn celery django-celery-beat", {**DJANGO, "shop/settings.py": ""},
            {
                "web": "gunicorn shop.wsgi:application --bind $HOST:$PORT", "worker": WORKER.format("shop.celery:app"),
                "beat": "celery -A shop.celery:app beat --loglevel INFO --scheduler django_celery_beat.schedulers:DatabaseScheduler",
            },
            id="a schedule in the database",
        ),
        pytest.param("celery", {"tasks.py": ALONE + "app.conf.beat_schedule = {}\n"}, {"worker": WORKER.format("tasks:app"), "beat": BEAT.format("tasks:app")}, id="a schedule as an attribute"),
        pytest.param(
            "flask gunicorn celery", {"app.py": "from flask import Flask\nfrom made import make_celery\napp = Flask(__name__)\ncelery = make_celery(app)\n"},
            {"web": "gunicorn app:app --bind $HOST:$PORT", "worker": WORKER.format("app:celery")}, id="made by a function",
        ),
        pytest.param("flask gunicorn", {"app.py": FLASK}, {"web": "gunicorn app:app --bind $HOST:$PORT"}, id="not among the requirements"),
        pytest.param("flask gunicorn celery", {"app.py": FLASK, "Procfile": "web: a\nqueue: b\n"}, {"web": "a", "queue": "b"}, id="a Procfile decides"),
    ],
)  # fmt: skip
def test_the_processes_of_a_project(requirements: str, files: dict[str, str], starts: dict[str, str]) -> None:
    plan = planned(requirements.replace(" ", "\n"), files)
    assert {one.name: one.start for one in plan.services} == starts
    assert {one.name for one in plan.services if one.kind is ServiceKind.WEB} <= {"web"}


def test_the_plan_says_where_a_process_comes_from() -> None:
    plan = planned("flask\ngunicorn\ncelery\n", {"app.py": FLASK})
    assert (plan.origins["start.worker"].source, plan.services[1].port) == ("app.py", 0)
