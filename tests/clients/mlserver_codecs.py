"""Prices a DataFrame with the codecs of MLServer's client; run in .venv-clients.

Arguments: the site's address, the model, the stones as JSON. Prints the answer as JSON.
"""

import json
import sys
from urllib.request import Request, urlopen

import pandas as pd
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse


def asked(address, content=None):
    request = Request(address, content, {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request) as response:  # noqa: S310
        return response.read()


def main(address, model, stones):
    described = MetadataModelResponse.model_validate_json(asked(f"{address}/v2/models/{model}"))
    frame = pd.DataFrame(stones)[[one.name for one in described.inputs]]
    by_frame = PandasCodec.encode_request(frame, use_bytes=False)
    by_column = InferenceRequest(
        inputs=[
            StringCodec.encode_input(name, column.tolist(), use_bytes=False)
            if isinstance(column[0], str)
            else NumpyCodec.encode_input(name, column.to_numpy())
            for name, column in frame.items()
        ]
    )
    prices = []
    for request in (by_frame, by_column):
        content = asked(f"{address}/v2/models/{model}/infer", request.model_dump_json().encode())
        answer = InferenceResponse.model_validate_json(content)
        outputs = {one.name: one for one in answer.outputs}
        prices.append(NumpyCodec.decode_output(outputs["predicted_price"]).ravel().tolist())
    return {
        "prices": prices,
        "currency": StringCodec.decode_output(outputs["currency"]),
        "frame": PandasCodec.decode_response(answer)["low"].tolist(),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))  # noqa: T201
