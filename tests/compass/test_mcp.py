"""The Model Context Protocol: the same verbs, the same JSON."""

import asyncio
import importlib.util
import os

import pytest

from compass import mcp_server
from compass.errors import CompassError

WITH_MCP = pytest.mark.skipif(importlib.util.find_spec("mcp") is None, reason="the mcp extra is not installed")


def test_every_verb_is_a_tool_with_a_schema_and_a_description():
    tools = mcp_server.tools(read_only=False)
    assert {"pulse-init", "milestone-add", "log-add", "metric-record", "blueprint-next", "plan-run"} <= set(tools)
    assert len(tools) == 35
    for tool in tools.values():
        assert tool.help
        assert set(tool.schema["required"]) <= set(tool.schema["properties"])
        assert "as_json" not in tool.schema["properties"]
    schema = tools["pulse-sync"].schema
    assert schema["properties"]["path"]["type"] == "array"
    assert schema["required"] == ["path", "artifact_type"]
    assert tools["plan-run"].schema["properties"]["timeout"]["type"] == "number"
    assert tools["pulse-status"].schema["properties"]["strict"]["type"] == "boolean"
    assert set(mcp_server.tools(read_only=True)) == mcp_server.READ_ONLY


def test_values_are_never_taken_for_options():
    tool = mcp_server.tools(read_only=False)["metric-set"]
    assert tool.command_line({"name": "--help", "now": "-3", "unit": None}) == [
        "metric", "set", "--now=-3", "--json", "--", "--help",
    ]  # fmt: skip
    status = mcp_server.tools(read_only=False)["pulse-status"]
    assert status.command_line({"strict": True}) == ["pulse-status", "--strict", "--json", "--"]
    assert status.command_line({"strict": False}) == ["pulse-status", "--json", "--"]
    assert tool.command_line({"name": "ok", "now": True})[2] == "--now=true"
    assert tool.command_line({"name": "ok", "value": False})[-2:] == ["ok", "false"]
    with pytest.raises(CompassError, match="no argument 'color'"):
        status.command_line({"color": 1})


def test_calls_run_the_command_itself(repo):
    words = mcp_server.tools(read_only=False)["pulse-init"].command_line(
        {"pulse_id": "a-b", "objective": "-x", "milestone": "m"}
    )
    document, refused = asyncio.run(mcp_server._run(words))
    assert (document["kind"], document["exit_code"], refused) == ("pulse-init", 0, False)
    document, refused = asyncio.run(mcp_server._run(words))
    assert (document["kind"], document["exit_code"], refused) == ("error", 2, True)
    document, refused = asyncio.run(mcp_server._run(["pulse-status", "--nonsense", "--json"]))
    assert (document["exit_code"], refused, "No such option" in document["message"]) == (2, True, True)


@pytest.mark.skipif(importlib.util.find_spec("mcp") is not None, reason="the mcp extra is installed")
def test_without_the_extra_the_install_line_is_named(repo, compass):
    ran = compass("mcp")
    assert ran.code == 2
    assert "pip install 'receipt-ocr[mcp]'" in ran.err


@WITH_MCP
def test_a_client_lists_and_calls_the_tools(repo):
    from mcp import Client

    async def talk(read_only: bool):
        async with Client(mcp_server.make_server(read_only=read_only)) as client:
            listed = await client.list_tools()
            status = await client.call_tool("pulse-status", {})
            begun = await client.call_tool("pulse-init", {"pulse_id": "a-b", "objective": "g", "milestone": "m"})
            return listed, status, begun

    listed, status, begun = asyncio.run(talk(True))
    assert {tool.name for tool in listed.tools} == mcp_server.READ_ONLY
    assert (status.structured_content["active"], begun.is_error) == (False, True)
    listed, _, begun = asyncio.run(talk(False))
    assert len(listed.tools) == 35
    assert (begun.is_error, begun.structured_content["pulse"]["pulse_id"]) == (False, "a-b")


@WITH_MCP
def test_names_that_are_no_text_are_sent_with_escapes(repo):
    import importlib.metadata

    from mcp import Client

    async def talk():
        async with Client(mcp_server.make_server(read_only=False)) as client:
            await client.call_tool("pulse-init", {"pulse_id": "a-b", "objective": "g", "milestone": "m"})
            (repo.artifacts / os.fsdecode(b"\xff.md")).write_text("")
            status = await client.call_tool("pulse-status", {})
            return client.server_info, status, await client.call_tool("metric-set", {"name": "ok", "now": True})

    server, status, metric = asyncio.run(talk())
    assert server.version == importlib.metadata.version("receipt-ocr")
    assert status.structured_content["artifacts"]["stray"] == ["\\udcff.md"]
    assert metric.structured_content["metric"]["now"] is True


@WITH_MCP
def test_a_client_talks_to_the_command_over_its_pipes(repo):
    import sys

    from mcp import Client, StdioServerParameters

    async def talk():
        words = ["-c", "from compass.cli import main; main()", "mcp"]
        async with Client(StdioServerParameters(command=sys.executable, args=words, cwd=str(repo.root))) as client:
            return await client.call_tool("check-env", {})

    assert asyncio.run(talk()).structured_content["kind"] == "check-env"
