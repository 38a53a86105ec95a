"""A FastAPI endpoint that reads the body of a request and does nothing else: the least that HTTP costs.

python -m benchmarks.empty_endpoint --port PORT
"""

import argparse

import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """As the service answers."""
    return {"status": "ready"}


@app.post("/v1/analyses")
async def read(request: Request) -> dict[str, int]:
    """Take the body as it comes."""
    return {"bytes": sum([len(chunk) async for chunk in request.stream()])}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An endpoint that only reads.")
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(app, port=parser.parse_args().port, log_level="warning", access_log=False)
