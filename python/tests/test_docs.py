"""The examples of docs/python.md, and those for Python of docs/formats.md: what is written is what comes out."""

import doctest
import re
from pathlib import Path

import circuits
import pytest

DOCS = Path(__file__).parents[2] / "docs"


def run(page, text, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name, source in re.findall(r"`(\w+\.neuro)`:\n\n```neuro\n(.*?)```", text, re.S):
        (folder / name).write_text(source)
    examples = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, str(page), 0)
    said = []
    doctest.DocTestRunner(optionflags=options).run(test, out=said.append)
    assert not said, "".join(said)
    return len(test.examples)


def test_examples(tmp_path, monkeypatch):
    page = DOCS / "python.md"
    assert run(page, page.read_text(), tmp_path, monkeypatch) > 20


def test_examples_of_formats(tmp_path, monkeypatch):
    page = DOCS / "formats.md"
    if not page.exists():
        pytest.skip("there is no page of formats")
    # The simulation that the page reads.
    circuits.write(tmp_path / "sonata")
    assert run(page, page.read_text(), tmp_path, monkeypatch) > 5
