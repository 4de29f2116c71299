"""A web that defines tasks, and nothing else that says how they are worked off."""

from celery import Celery
from flask import Flask

app = Flask(__name__)
tasks = Celery(__name__, broker="memory://")


@app.get("/")
def home() -> str:
    """Answer."""
    return "a web beside a queue"


@tasks.task
def add(one: int, two: int) -> int:
    """Add."""
    return one + two
