#!/usr/bin/env bash
# The newest versions that pyproject.toml allows of what a station needs: does it judge, and is its page there?
# The recipe is learnt with .venv, which has what training needs; the station has not.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work" build' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet .
.venv/bin/inspection demo --no-ui --parts 3 --good 30 --folder "$work/demo" >/dev/null
cat >"$work/station.toml" <<'TOML'
station = "newest"
record = "parts.db"
[[views]]
camera = "simulated"
settings = { seed = 3, size_px = 512 }
[[products]]
name = "flange"
recipe = "demo/demo.recipe"
[triggers.interval]
period_s = 0.2
TOML
cd "$work"
"$work/venv/bin/inspection" doctor --recipe demo/demo.recipe --station station.toml
"$work/venv/bin/inspection" run station.toml --max-parts 10
"$work/venv/bin/python" "$here/.ci/page_answers.py" station.toml
