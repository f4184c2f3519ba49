const test = require("node:test");
const assert = require("node:assert");
const { argumentsOf, runnables } = require("../lenses");

test("experiments and tests are found, comments are not", () => {
    const text = '## experiment no\nexperiment one(a = 1 mV) slow {\n}\n# test "no" {\ntest "a, and b" {\n    test = 1\n}\nexperimental x\n';
    assert.deepStrictEqual(runnables(text), [
        { line: 1, kind: "run", name: "one" },
        { line: 4, kind: "test", name: "a, and b" },
    ]);
});

test("what is run", () => {
    assert.deepStrictEqual(argumentsOf("run", "a b.neuro", "one"), ["run", "a b.neuro", "one"]);
    assert.deepStrictEqual(argumentsOf("run", "a.neuro"), ["run", "a.neuro"]);
    assert.deepStrictEqual(argumentsOf("test", "a.neuro", "a, and b"), ["test", "a.neuro"]);
});
