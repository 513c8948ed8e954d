"""Places: the test points, and names as people write them."""

import csv
from pathlib import Path

import pytest

from bot.conversation import Mind
from bot.geo.points import CountyMap

POINTS = Path(__file__).parent / "data" / "test-points.csv"
