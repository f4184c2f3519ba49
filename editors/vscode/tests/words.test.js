// Every keyword of the language's grammar is in the TextMate grammar, and is coloured somewhere in the annotated files beside this one.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const here = (...parts) => path.join(__dirname, ...parts);
const grammarFile = here("../syntaxes/neuro.tmLanguage.json");
const pestFile = here("../../../grammar/neuro.pest");

/** The quoted words of neuro.pest, without its comments; "e" is the exponent of a number. */
function keywords() {
    const source = fs.readFileSync(process.env.NEURO_PEST || pestFile, "utf8").replace(/^\s*\/\/.*$/gm, "");
    const words = [...source.matchAll(/(\^?)"([a-z]+)"/g)].filter((m) => m[1] === "").map((m) => m[2]);
    return [...new Set(words)].sort();
}

/** The words of all groups `\b(one|two)\b` of the TextMate grammar; in JSON a backslash is written twice. */
function coloured(text) {
    const groups = [...text.matchAll(/\\\\b\(([a-z|]+)\)\\\\b/g)];
    return [...new Set(groups.flatMap((m) => m[1].split("|")))].sort();
}

/** The words that are given a keyword's scope in a text, by the engine that editors use. */
async function painted(text) {
    const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer;
    const onigLib = oniguruma.loadWASM(wasm).then(() => ({
        createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
        createOnigString: (s) => new oniguruma.OnigString(s),
    }));
    const loadGrammar = async () => textmate.parseRawGrammar(fs.readFileSync(grammarFile, "utf8"), grammarFile);
    const grammar = await new textmate.Registry({ onigLib, loadGrammar }).loadGrammar("source.neuro");
    const found = new Set();
    let state = textmate.INITIAL;
    for (const line of text.split("\n")) {
        const result = grammar.tokenizeLine(line, state);
        state = result.ruleStack;
        for (const { startIndex, endIndex, scopes } of result.tokens) {
            if (!scopes.some((s) => /^(keyword\.(?!operator\.neuro|other\.unit)|constant\.language|support\.constant)/.test(s))) continue;
            line.slice(startIndex, endIndex).trim().split(/\s+/).forEach((word) => found.add(word));
        }
    }
    return found;
}

// Words that are kept for later: no rule of the grammar uses them as keywords yet.
const unused = "dataset\nlanes";

const skip = !fs.existsSync(process.env.NEURO_PEST || pestFile) && "grammar/neuro.pest is not there";

test("the word lists are those of the grammar", { skip }, () => {
    const listed = coloured(fs.readFileSync(grammarFile, "utf8"));
    assert.deepStrictEqual(listed, keywords());
});

test("every word is coloured as a keyword in the annotated files", { skip }, async () => {
    const files = fs.readdirSync(__dirname).filter((name) => name.endsWith(".neuro"));
    const found = await painted(files.map((name) => fs.readFileSync(here(name), "utf8")).concat(unused).join("\n"));
    assert.deepStrictEqual(keywords().filter((word) => !found.has(word)), []);
});

test("words that are no units are those that begin a clause or are reserved", { skip }, () => {
    const pest = fs.readFileSync(process.env.NEURO_PEST || pestFile, "utf8");
    const rule = (name) => pest.match(new RegExp(`^${name} *= _\\{([^}]*)\\}`, "m"))[1];
    const words = [...(rule("clause_word") + rule("reserved")).matchAll(/"([a-z]+)"/g)].map((m) => m[1]);
    const quantity = JSON.parse(fs.readFileSync(grammarFile, "utf8")).repository.quantity.patterns[0].match;
    assert.deepStrictEqual(quantity.match(/\\b\(([a-z|]+)\)\\b/)[1].split("|").sort(), words.sort());
});
