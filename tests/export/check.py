"""Writes every cell and synapse of the library and of the examples in another language, and has the tool of that language check it.

    python tests/export/check.py target/release/neuro nestml                       # with `pip install nestml`
    python tests/export/check.py target/release/neuro neuroml jNeuroML-0.14.0-jar-with-dependencies.jar

Prints what was refused, what the other tool complains about, and how many there are of each. Files are left in `target/export`.
"""
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "target/export"
KINDS = {"nestml": "neuron|synapse", "neuroml": "neuron"}


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


def neuroml(path, jar):
    """What jNeuroML says of a cell that it runs for 1 ms; whether the file becomes a program again."""
    text = path.read_text()
    component = re.findall(r"^    <\w+ id=\"(\w+)\"", text, re.M)[-1]
    state = re.search(r'<Exposure name="(\w+)"', text)
    column = f'<OutputColumn id="x" quantity="c[0]/{state[1]}"/>' if state else ""
    run = f"""<Include file="Networks.xml"/><Include file="Simulation.xml"/>
    <network id="net"><population id="c" component="{component}" size="1"/></network>
    <Simulation id="run" length="1ms" step="0.01ms" target="net"><OutputFile id="f" fileName="{path.stem}.dat">{column}</OutputFile></Simulation>
</Lems>"""
    path.write_text(text.replace("<Lems>", '<Lems>\n    <Target component="run"/>').replace("</Lems>", run))
    done = subprocess.run(["java", "-jar", jar, path.name, "-nogui"], cwd=OUT, capture_output=True, text=True)
    said = (done.stdout + done.stderr).splitlines()
    return [line for line in said if re.search("ERROR|Exception|ContentError", line) and "(LOG)" not in line]


def main(binary, language, *jar):
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
            path = OUT / f"LEMS_{file.stem}_{name}.{'nestml' if language == 'nestml' else 'xml'}"
            path.write_text(done.stdout)
            for complaint in nestml(path) if language == "nestml" else neuroml(path, *jar):
                wrong += 1
                print(f"WRONG    {file.stem} {name}: {complaint}")
            counts[kind, "written"] += 1
    print(dict(counts), "complaints:", wrong)
    print("\n".join(f"{n:4} {why}" for why, n in refused.most_common()))
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
