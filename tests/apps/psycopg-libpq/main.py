import psycopg
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return f"psycopg through {psycopg.pq.__impl__}, libpq {psycopg.pq.version() // 10000}\n"
