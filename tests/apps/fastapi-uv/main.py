from fastapi import FastAPI

api = FastAPI()


@api.get("/")
async def index() -> dict[str, str]:
    return {"framework": "fastapi"}
