"""Notebooks: cells in Neuro, and what is shown."""


def test_cells(text, capsys):
    from IPython.testing.globalipapp import start_ipython

    shell = start_ipython()
    shell.run_line_magic("load_ext", "neuro")
    shell.run_cell_magic("neuro", "net", text)
    assert shell.user_ns["net"].run(set={"duration": "5 ms"}).complete
    shell.run_cell_magic("neuro", "net", "neuron X { state v = 1 msx }")
    assert "E0305" in capsys.readouterr().out and "net" not in shell.user_ns
