// Colours of Neuro for Monaco, from the word lists of the TextMate grammar of editors/vscode.

/** The words of the plain alternations `\b(one|two)\b` below a part of the grammar that have a scope. */
function wordsOf(part, scope) {
    const patterns = part.patterns.filter((p) => p.name === scope);
    return patterns.flatMap((p) => [...p.match.matchAll(/\\b\(([a-z|]+)\)\\b/g)].flatMap((m) => m[1].split("|")));
}

/** A tokenizer for Monarch: keywords by role, numbers with their units, members, calls. */
function monarch({ repository }) {
    const { words, reserved, constants, quantity } = repository;
    // The words that are never a unit after a number.
    const noUnit = quantity.patterns[0].match.match(/\\b\(([a-z|]+)\)\\b/)[1];
    return {
        declarations: wordsOf(words, "keyword.declaration.neuro"),
        clauses: wordsOf(words, "keyword.other.clause.neuro"),
        statements: wordsOf(words, "keyword.control.neuro"),
        modifiers: wordsOf(words, "keyword.other.modifier.neuro"),
        reserved: wordsOf(reserved, "keyword.operator.word.neuro"),
        constants: wordsOf(constants, "constant.language.neuro"),
        tokenizer: {
            root: [
                [/##.*$/, "comment.doc"],
                [/#.*$/, "comment"],
                [/"[^"]*("|$)/, "string"],
                [/\d+(\.\d+)?([eE][-+]?\d+)?/, "number", "@unit"],
                [/\.(?!\.)[A-Za-z_]\w*/, "property"],
                [/[A-Za-z_]\w*(?=\()/, { cases: { "@reserved": "operator.word", "@default": "function" } }],
                [/[A-Za-z_]\w*(?=\s*([-+*\/]?=(?!=)|'))/, "variable"],
                [/[A-Za-z_]\w*/, {
                    cases: {
                        "@declarations": "keyword.declaration",
                        "@clauses": "keyword",
                        "@statements": "keyword",
                        "@modifiers": "keyword",
                        "@reserved": "operator.word",
                        "@constants": "constant",
                        "@default": "variable",
                    },
                }],
                [/[{}()[\]]/, "@brackets"],
                [/<->|->|\.\.|[-+*/]=|[<>=!]=|[-+*/^<>=~']/, "operator"],
            ],
            unit: [
                [/[ \t]+(?=[A-Za-zµ%])/, "white"],
                [new RegExp(`(?!(?:${noUnit})\\b)[%A-Za-zµ]\\w*(\\^-?\\d+)?([*/][A-Za-zµ]+(\\^-?\\d+)?)*(?![\\w(])(?!\\s*[-+*/]?=(?!=))`), "unit", "@pop"],
                ["", "", "@pop"],
            ],
        },
    };
}

const theme = {
    base: "vs",
    inherit: true,
    colors: {},
    rules: [
        { token: "comment.doc", foreground: "3f7f5f", fontStyle: "italic" },
        { token: "keyword.declaration", foreground: "7a1fa2", fontStyle: "bold" },
        { token: "operator.word", foreground: "7a1fa2" },
        { token: "constant", foreground: "0b5cad" },
        { token: "unit", foreground: "0f7b7b" },
        { token: "function", foreground: "795e26" },
        { token: "property", foreground: "333366" },
    ],
};
