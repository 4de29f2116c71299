"""An API with one endpoint and its documentation at /docs."""

import os

from fastapi import FastAPI

app = FastAPI(title="Hello")


@app.get("/")
async def hello() -> dict[str, str]:
    return {"message": "Hello from rw", "database": "there" if os.environ.get("DATABASE_URL") else "none yet"}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
