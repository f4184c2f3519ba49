"""The examples of docs/python.md: what is written is what comes out."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_examples(tmp_path, monkeypatch):
    text = PAGE.read_text()
    monkeypatch.chdir(tmp_path)
    for name, source in re.findall(r"`(\w+\.neuro)`:\n\n```neuro\n(.*?)```", text, re.S):
        (tmp_path / name).write_text(source)
    examples = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 20
    said = []
    doctest.DocTestRunner(optionflags=options).run(test, out=said.append)
    assert not said, "".join(said)
