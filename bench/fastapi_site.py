"""The fastest opponent: FastAPI on uvicorn, validated by pydantic, priced by onnxruntime.

bench/api.py serves it from the benchmark's own environment, because serving and tests never install
it. RECORD says whether an answer is recorded before it is sent: no, with sqlite3 (WAL,
synchronous=NORMAL), or with psycopg on PostgreSQL, a commit for each, over some connections at once.
The endpoints are `async` and make blocking calls, except to PostgreSQL: one answer takes less time than
passing it to a thread.
"""

import asyncio
import json
import os
import sqlite3
import time
import uuid
from typing import Annotated, Literal

import numpy as np
import onnxruntime
import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml.stones import GRADES, MEASURES, SCHEMES

FOLDER, RECORD = os.environ["FOLDER"], os.environ["RECORD"]
COLUMNS = ("id", "created", "scheme", "request", "features", "price")


def measure(name):
    return Annotated[
        float, Field(ge=MEASURES[name].low, le=MEASURES[name].high, allow_inf_nan=False)
    ]


class Coded(BaseModel):
    model_config = ConfigDict(extra="forbid")
    carat: measure("carat")
    cut: Annotated[int, Field(ge=0, le=4)]
    color: Annotated[int, Field(ge=0, le=1)]
    clarity: Annotated[int, Field(ge=1, le=4)]
    depth: measure("depth")
    table: measure("table")
    volume: measure("volume")


class Graded(BaseModel):
    model_config = ConfigDict(extra="forbid")
    carat: measure("carat")
    cut: Literal[tuple(GRADES["cut"])]
    color: Literal[tuple(GRADES["color"])]
    clarity: Literal[tuple(GRADES["clarity"])]
    depth: measure("depth")
    table: measure("table")
    x: measure("x")
    y: measure("y")
    z: measure("z")


MODELS = {"coded": Coded, "graded": Graded}
RANKS = {
    name: {grade: rank for rank, grade in enumerate(grades)} for name, grades in GRADES.items()
}


def session_of(scheme):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(f"{FOLDER}/{scheme}.onnx", options)


SESSIONS = {scheme: session_of(scheme) for scheme in SCHEMES}


DATABASE = f"{FOLDER}/answers-{RECORD}.sqlite3"
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")
INSERT = f"INSERT INTO answers ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608


BARE = sqlite3.connect(DATABASE, check_same_thread=False)
for pragma in PRAGMAS:
    BARE.execute(f"PRAGMA {pragma}")
BARE.execute(f"CREATE TABLE IF NOT EXISTS answers ({', '.join(COLUMNS)}, PRIMARY KEY (id))")


async def by_sqlite3(row):
    with BARE:
        BARE.execute(INSERT, tuple(row.values()))


CONNECTIONS = asyncio.Queue()
"""Of a process to PostgreSQL, opened by its first answers."""
OPEN = 8


async def by_psycopg(row):
    if CONNECTIONS.empty() and len(opened) < OPEN:
        opened.append(None)
        connection = await psycopg.AsyncConnection.connect(
            os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0
        )
    else:
        connection = await CONNECTIONS.get()
    await connection.execute(INSERT.replace("?", "%s"), tuple(row.values()))
    CONNECTIONS.put_nowait(connection)


async def not_at_all(row):
    """Records nothing."""


opened = []
record = {"none": not_at_all, "sqlite3": by_sqlite3, "psycopg": by_psycopg}[RECORD]
app = FastAPI()


async def answered(scheme, stone, text):
    features = stone.model_dump()
    row = [
        RANKS[name][value] if isinstance(value, str) else value for name, value in features.items()
    ]
    [[price]] = SESSIONS[scheme].run(None, {"X": np.array([row], np.float32)})[0]
    id_ = str(uuid.uuid4())
    await record(
        {
            "id": id_,
            "created": time.time(),
            "scheme": scheme,
            "request": text,
            "features": json.dumps(features),
            "price": float(price),
        }
    )
    return {
        "features": features,
        "predicted_price": int(price),
        "price_per_carat": round(int(price) / stone.carat, 2),
        "model": {"scheme": scheme, "version": 1},
        "id": id_,
        "url": f"/quotes/{id_}/",
    }


@app.get("/api/predict")
async def predict(request: Request):
    scheme = "graded" if "x" in request.query_params else "coded"
    try:
        stone = MODELS[scheme].model_validate(dict(request.query_params))
    except ValidationError as error:
        raise HTTPException(400, error.errors(include_url=False, include_context=False)) from None
    return await answered(scheme, stone, request.url.query)
