// The words that are no units are the same in src/scanner.c and in grammar/neuro.pest, whose path is the argument.
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");

const words = (text) => [...text.matchAll(/"([a-z]+)"/g)].map((m) => m[1]).sort();
const pest = fs.readFileSync(process.argv[2], "utf8");
const scanner = fs.readFileSync(path.join(__dirname, "../src/scanner.c"), "utf8");
const rule = (name) => pest.match(new RegExp(`^${name} *= _\\{([^}]*)\\}`, "m"))[1];
const array = (name) => scanner.match(new RegExp(`${name}\\[\\] = \\{([^}]*)\\}`))[1];

assert.deepStrictEqual(words(array("CLAUSE_WORDS")), words(rule("clause_word")));
assert.deepStrictEqual(words(array("RESERVED")), words(rule("reserved")));
console.log("words: those of neuro.pest");
