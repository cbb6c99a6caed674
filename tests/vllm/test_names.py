"""The parsers that we name are there in the vLLM that is installed."""

import json
import subprocess

from polychat.engines.vllm.families import FAMILIES
from tests.vllm.conftest import PYTHON

LIST = """
import json
from vllm.reasoning import ReasoningParserManager
from vllm.tool_parsers import ToolParserManager
print(json.dumps([ToolParserManager.list_registered(), ReasoningParserManager.list_registered()]))
"""


def test_vllm_has_every_parser_that_a_family_names() -> None:
    said = subprocess.run([PYTHON, "-c", LIST], capture_output=True, text=True, check=True).stdout
    tools, reasoning = json.loads(said.splitlines()[-1])

    assert {family.tools for family in FAMILIES} <= set(tools)
    assert {family.reasoning for family in FAMILIES if family.reasoning} <= set(reasoning)
