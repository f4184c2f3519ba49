"""Writes every cell and synapse of the library and of the examples in another language, and has the tool of that language check it.

    python tests/export/check.py target/release/neuro nestml   # with `pip install nestml`

Prints what was refused, what the other tool complains about, and how many there are of each. Files are left in `target/export`.
"""
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "target/export"
KINDS = {"nestml": "neuron|synapse"}


def nestml(path):
    """What the checks of NESTML say of a file that are made before code is generated."""
    from pynestml.cocos.co_cos_manager import CoCosManager
    from pynestml.symbol_table.symbol_table import SymbolTable
    from pynestml.symbols.predefined_functions import PredefinedFunctions
    from pynestml.symbols.predefined_types import PredefinedTypes
    from pynestml.symbols.predefined_units import PredefinedUnits
    from pynestml.symbols.predefined_variables import PredefinedVariables
    from pynestml.utils.ast_source_location import ASTSourceLocation
    from pynestml.utils.logger import Logger, LoggingLevel
    from pynestml.utils.model_parser import ModelParser

    Logger.init_logger(LoggingLevel.NO)
    SymbolTable.initialize_symbol_table(ASTSourceLocation(0, 0, 0, 0))
    PredefinedUnits.register_units()
    PredefinedTypes.register_types()
    PredefinedFunctions.register_functions()
    PredefinedVariables.register_variables()
    unit = ModelParser.parse_file(str(path))
    if unit is None:
        return ["is not parsed"]
    for model in unit.get_model_list():
        CoCosManager.check_cocos(model)
    return [str(entry[-1]) for entry in Logger.get_log().values() if LoggingLevel.ERROR in entry]


def main(binary, language):
    OUT.mkdir(parents=True, exist_ok=True)
    counts, refused, wrong = collections.Counter(), collections.Counter(), 0
    for file in sorted(ROOT.glob("stdlib/**/*.neuro")) + sorted(ROOT.glob("examples/*.neuro")):
        for kind, name in re.findall(rf"^({KINDS[language]}) (\w+)", file.read_text(), re.M):
            command = [binary, "convert", str(file), "--to", language, "--only", name]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                why = sorted(set(re.findall(r"cannot say (.*)", done.stderr))) or [done.stderr.strip()]
                print(f"refused  {file.stem} {name}: {'; '.join(why)}")
                refused.update(why)
                counts[kind, "refused"] += 1
                continue
            path = OUT / f"{file.stem}_{name}.nestml"
            path.write_text(done.stdout)
            for complaint in nestml(path):
                wrong += 1
                print(f"WRONG    {file.stem} {name}: {complaint}")
            counts[kind, "written"] += 1
    print(dict(counts), "complaints:", wrong)
    print("\n".join(f"{n:4} {why}" for why, n in refused.most_common()))
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
