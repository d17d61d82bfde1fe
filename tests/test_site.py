"""The documentation site: built with warnings as errors, whole without a network, every document in its menu."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
LOADED = re.compile(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?:https?:)?//([^\"/]+)")


def builder() -> ModuleType:
    """docs/site/build.py."""
    spec = importlib.util.spec_from_file_location("site_builder", ROOT / "docs" / "site" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_names_of_documents_become_links_outside_of_code() -> None:
    linked = builder().linked
    known = {"docs/a.md", "TRUST.md", "docs/b.md"}
    assert linked("see `TRUST.md`", Path("docs/a.md"), known) == "see [`TRUST.md`](../TRUST.md)"
    assert linked("see `b.md`", Path("docs/a.md"), known) == "see [`b.md`](b.md)"
    for alone in ("`docs/a.md`", "    `TRUST.md`", "```\n`TRUST.md`\n```", "[`TRUST.md`](x)", "`none.md`"):
        assert linked(alone, Path("docs/a.md"), known) == alone


def test_every_rule_is_in_the_reference() -> None:
    text = builder().rules()
    assert all(f"RULES.md#{name})" in text for name in re.findall(r"^## `(\w+)`$", (ROOT / "certificates/RULES.md").read_text(), re.M))


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra `site` is not installed")
    builder().build(tmp_path / "site")
    pages = list((tmp_path / "site").rglob("*.html"))
    assert (tmp_path / "site" / "docs" / "tutorial" / "index.html") in pages
    assert len(pages) > 30
    assert {host for page in pages for host in LOADED.findall(page.read_text(encoding="utf-8"))} == set()
