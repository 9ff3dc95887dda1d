"""A run as a folder in the layout of model hubs, which ``classify.pretrained`` describes and reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from classify.exporting.formats import need, register_format
from classify.exporting.graph import Answers, check_answers, example_windows, load_portable, reference
from specgen.errors import InputError
from specgen.files import new_folder

__all__ = ["write_hub"]


@register_format("hub", suffix="", note="a folder: safetensors, config.json and a model card, for from_pretrained")
def write_hub(run: Path, out: Path, reads: str) -> float:
    """See ``formats.Writer``; ``reads`` has no meaning here. What is read back has to answer as the run does.

    Raises
    ------
    InputError
        ``out`` is there already, or cannot be written.
    """
    need("huggingface_hub")
    from classify.pretrained import PretrainedClassifier

    if out.exists():
        raise InputError(f"{out}: is there already; expected the name of a folder to make")
    loaded = load_portable(run)
    codes = example_windows(loaded.task.window, 4, seed=1)
    expected = reference(loaded, codes)
    with new_folder(out) as made:
        model: Any = PretrainedClassifier.from_run(run)  # what the mixin adds has no types
        model.save_pretrained(made)
        back = PretrainedClassifier.from_pretrained(made)
        again = reference(loaded._replace(task=back.task, module=back.classifier.float().cpu()), codes)
        return check_answers(Answers(*map(np.asarray, again)), expected, str(out))
