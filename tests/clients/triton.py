"""Prices stones with Triton's client and its defaults; run in .venv-clients.

Arguments: host:port, the model, the stones as JSON. Prints the answer as JSON.
"""

import json
import sys

import numpy as np
import tritonclient.http as triton

KINDS = {"FP64": np.float64, "INT64": np.int64, "BYTES": np.object_}


def main(url, model, stones):
    client = triton.InferenceServerClient(url)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(model)
    assert client.is_model_ready(model, "1")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    described = client.get_model_metadata(model)
    inputs = []
    for one in described["inputs"]:
        values = np.array([stone[one["name"]] for stone in stones], KINDS[one["datatype"]])
        tensor = triton.InferInput(one["name"], list(values.shape), one["datatype"])
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    found = client.infer(model, inputs, request_id="7")
    asked = [triton.InferRequestedOutput(name) for name in ("predicted_price", "comparables")]
    again = client.infer(model, inputs, outputs=asked, parameters={"k": 2})
    plain = client.infer(
        model, inputs, outputs=[triton.InferRequestedOutput("predicted_price", binary_data=False)]
    )
    refusal = ""
    try:
        client.infer(model, inputs[:-1])
    except triton.InferenceServerException as error:
        refusal = error.message()
    return {
        "id": found.get_response()["id"],
        "prices": [result.as_numpy("predicted_price").tolist() for result in (found, again, plain)],
        "low": found.as_numpy("low").tolist(),
        "currency": [text.decode() for text in found.as_numpy("currency")],
        "comparables": [len(json.loads(text)) for text in again.as_numpy("comparables")],
        "refusal": refusal,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))  # noqa: T201
