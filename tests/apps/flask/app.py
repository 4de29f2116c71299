import os

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/")
def index():
    return "hello from flask\n"


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.post("/echo")
def echo():
    return jsonify(length=len(request.get_data()), proto=request.headers.get("X-Forwarded-Proto"))
