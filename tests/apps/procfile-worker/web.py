from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "a web beside a worker\n"
