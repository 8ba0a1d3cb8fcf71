"""The original design, as a yardstick: Flask, which loads its whole forest anew for each request.

bench/api.py serves it; FOREST names the scikit-learn forest that joblib dumped.
"""

import os

import joblib
import pandas as pd
from flask import Flask, jsonify, request

from ml.stones import SCHEMES

app = Flask(__name__)


@app.get("/api/predict")
def predict():
    """The price of one stone of the coded scheme; nothing is validated, nothing recorded."""
    features = {name: float(request.args[name]) for name in SCHEMES["coded"]}
    forest = joblib.load(os.environ["FOREST"])
    price = forest.predict(pd.DataFrame([features]))[0]
    return jsonify(features=features, predicted_price=int(price))
