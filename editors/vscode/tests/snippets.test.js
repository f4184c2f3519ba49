// What the snippets insert is a program that `neuro check` accepts. NEURO names the program; without it, only their form is looked at.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { execFileSync } = require("node:child_process");
const snippets = require("../snippets/neuro.json");

/** The text with the proposals that stand between `${1:` and `}`. */
const inserted = (name) => snippets[name].body.join("\n").replace(/\$\{\d+:([^}]*)\}/g, "$1").replace(/\$\d+/g, "");

test("snippets have nothing left to fill in", () => {
    for (const name of Object.keys(snippets)) assert.doesNotMatch(inserted(name), /\$/, name);
});

test("snippets together are a program", { skip: !process.env.NEURO && "NEURO is not set" }, () => {
    const network = inserted("Network").replace(/\}\n*$/, `    ${inserted("Projection")}\n}`);
    const program = ["Neuron", "Synapse", "World"].map(inserted).concat(network, inserted("Experiment"), inserted("Test")).join("\n\n");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "neuro-"));
    try {
        fs.writeFileSync(path.join(folder, "snippets.neuro"), program + "\n");
        execFileSync(process.env.NEURO, ["fmt", "--check", folder], { stdio: "pipe" });
        execFileSync(process.env.NEURO, ["check", path.join(folder, "snippets.neuro")], { stdio: "pipe" });
        execFileSync(process.env.NEURO, ["test", folder], { stdio: "pipe", cwd: folder });
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
});
