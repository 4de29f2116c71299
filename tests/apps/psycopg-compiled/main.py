import psycopg
import psycopg2
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return f"psycopg through {psycopg.pq.__impl__}, psycopg2 with libpq {psycopg2.extensions.libpq_version() // 10000}\n"
