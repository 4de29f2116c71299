"""An app that needs a library of its workspace."""

from flask import Flask
from greeting import words

app = Flask(__name__)


@app.get("/")
def index():
    return words()
