// Where "Run" and "Test" stand above experiments and tests. Without `vscode`, so that it can be tested by itself.

/** Every experiment and test of a text: `{ line, kind: "run" | "test", name }`. */
function runnables(text) {
    const found = [];
    text.split("\n").forEach((line, number) => {
        const experiment = line.match(/^\s*experiment\s+([A-Za-z_]\w*)/);
        const test = line.match(/^\s*test\s+"([^"]*)"/);
        if (experiment) found.push({ line: number, kind: "run", name: experiment[1] });
        else if (test) found.push({ line: number, kind: "test", name: test[1] });
    });
    return found;
}

/** The arguments of `neuro` that run an experiment, or all tests of a file. */
function argumentsOf(kind, file, name) {
    if (kind === "test") return ["test", file];
    return name ? ["run", file, name] : ["run", file];
}

module.exports = { runnables, argumentsOf };
