"""What a data set's annotations follow from."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.facts.annotators import Embedding, Model, Ocr, annotators_digest, digest


def test_settings_files_models_and_versions_all_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each change gives another digest, and nothing else does: not the folder that the files lie in."""
    examples, model = tmp_path / "e.jsonl", tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    settings = [Embedding(fact="f", file="e.jsonl"), Model(facts=("f",), local="model"), Ocr(fact="t")]
    seen = [annotators_digest(settings, tmp_path)]
    examples.write_text("a")
    seen.append(annotators_digest(settings, tmp_path))
    examples.write_text("b")
    seen.append(annotators_digest(settings, tmp_path))
    (model / "config.json").write_text('{"a": 1}')
    seen.append(annotators_digest(settings, tmp_path))
    seen.append(annotators_digest(settings[::-1], tmp_path))
    seen.append(annotators_digest([settings[0].model_copy(update={"margin": 0.1}), *settings[1:]], tmp_path))
    before = annotators_digest(settings, tmp_path)
    monkeypatch.setattr(digest, "version", lambda package: "0")
    seen.append(annotators_digest(settings, tmp_path))
    assert len(set(seen)) == len(seen)
    monkeypatch.undo()
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert annotators_digest(settings, moved) == before
    moved.rename(tmp_path)
