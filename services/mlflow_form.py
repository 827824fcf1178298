"""What MLflow's own pages and tools read of a version: its signature and an input example.

The desk itself serves from `manifest.json`. These two files say the same in MLflow's words, and
name no loader: nothing in them can be imported or run.
"""

import json
from collections.abc import Mapping

from services.model_documents import Manifest

MLMODEL, EXAMPLE = "MLmodel", "input_example.json"


def mlflow_files(manifest: Manifest) -> Mapping[str, bytes]:
    """Return `MLmodel` (which is JSON, and so YAML too) and the input example, by name."""
    inputs = [{"type": "double", "name": name, "required": True} for name in manifest.feature_names]
    outputs = [{"type": "double", "name": "prediction", "required": True}]
    described = {
        "flavors": {},
        "metadata": {
            "served_by": "quantdesk, from its own manifest",
            "format": manifest.format,
            "file": manifest.file,
            "feature_set": manifest.feature_set,
            "feature_hash": manifest.feature_hash,
            "data_version": manifest.data_version,
        },
        "saved_input_example_info": {
            "artifact_path": EXAMPLE,
            "type": "dataframe",
            "pandas_orient": "split",
        },
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs)},
    }
    example = {"columns": list(manifest.feature_names), "data": [list(manifest.example)]}
    return {
        MLMODEL: json.dumps(described, indent=1).encode(),
        EXAMPLE: json.dumps(example, indent=1).encode(),
    }
