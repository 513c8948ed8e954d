"""A short run of benchmarks/chaos.py, in the storm only: ten minutes of it stand in docs/reliability.md."""

import os
from pathlib import Path

import pytest

from benchmarks.chaos import run
from bot.conversation import Mind


@pytest.mark.skipif(not os.environ.get("FARO_STORM"), reason="FARO_STORM=1 ./faro test tests/test_chaos.py")
async def test_everything_at_once(mind: Mind, model_cache: Path, tmp_path: Path) -> None:
    assert await run(0.3, 2, 1, tmp_path, model_cache) == 0
