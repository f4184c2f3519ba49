// The extension in an editor of cardboard: what it registers, what it starts, what it runs.
const test = require("node:test");
const assert = require("node:assert");
const Module = require("node:module");

const document = {
    uri: { fsPath: "/models/cell.neuro" }, isUntitled: false, saved: 0,
    getText: () => 'experiment one {\n}\ntest "two" {\n}\n',
    save: async () => ++document.saved,
};
const commands = {};
const tasks = [];
const clients = [];
let lenses;

const vscode = {
    workspace: {
        getConfiguration: () => ({ get: () => "/opt/neuro" }),
        openTextDocument: async () => document,
        getWorkspaceFolder: () => undefined,
        onDidChangeConfiguration: () => ({}),
    },
    window: {
        createOutputChannel: () => ({}),
        activeTextEditor: { document },
        showErrorMessage: (message) => assert.fail(message),
    },
    languages: { registerCodeLensProvider: (_, provider) => (lenses = provider) },
    commands: { registerCommand: (name, run) => (commands[name] = run) },
    tasks: { executeTask: async (task) => tasks.push(task) },
    TaskScope: { Workspace: 2 },
    Range: class { constructor(line) { this.line = line; } },
    CodeLens: class { constructor(range, command) { Object.assign(this, { range, command }); } },
    ProcessExecution: class { constructor(program, args, options) { Object.assign(this, { program, args, options }); } },
    Task: class { constructor(definition, scope, name, source, execution) { Object.assign(this, { definition, name, execution }); } },
};
const languageclient = {
    LanguageClient: class {
        constructor(id, name, server, options) { clients.push(Object.assign(this, { server, options, running: false })); }
        async start() { this.running = true; }
        async stop() { this.running = false; }
    },
};

const load = Module._load;
Module._load = (name, ...rest) => ({ vscode, "vscode-languageclient/node": languageclient })[name] ?? load(name, ...rest);
const extension = require("../extension");

test("starts the server, offers lenses, runs what they say, restarts, stops", async () => {
    await extension.activate({ subscriptions: [] });
    assert.deepStrictEqual(clients.map((c) => [c.server.command, c.server.args, c.running]), [["/opt/neuro", ["lsp"], true]]);
    const declared = require("../package.json").contributes.commands.map((c) => c.command);
    assert.deepStrictEqual(Object.keys(commands).sort(), declared.sort());

    const offered = lenses.provideCodeLenses(document);
    assert.deepStrictEqual(offered.map((l) => [l.range.line, l.command.title]), [[0, "$(play) Run"], [2, "$(beaker) Test"]]);
    for (const { command } of offered) await commands[command.command](...command.arguments);
    // Without a lens: the only experiment, and the file that is edited.
    await commands["neuro.run"]();
    await commands["neuro.test"]();
    const run = ["run", "/models/cell.neuro", "one"];
    const check = ["test", "/models/cell.neuro"];
    assert.deepStrictEqual(tasks.map((t) => t.execution.args), [run, check, run, check]);
    assert.ok(tasks.every((t) => t.execution.program === "/opt/neuro" && t.execution.options.cwd === "/models"));
    assert.equal(document.saved, 4);

    await commands["neuro.restart"]();
    assert.deepStrictEqual(clients.map((c) => c.running), [false, true]);
    await extension.deactivate();
    assert.deepStrictEqual(clients.map((c) => c.running), [false, false]);
});
