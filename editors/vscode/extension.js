// Neuro in Visual Studio Code: the language server, and commands that run experiments and tests in a terminal.
const path = require("node:path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { argumentsOf, runnables } = require("./lenses");

let client;
let output;

const program = () => vscode.workspace.getConfiguration("neuro").get("path") || "neuro";

async function start() {
    const server = { command: program(), args: ["lsp"] };
    client = new LanguageClient("neuro", "Neuro", server, {
        documentSelector: [{ language: "neuro" }],
        outputChannel: output,
    });
    try {
        await client.start();
    } catch (error) {
        client = undefined;
        vscode.window.showErrorMessage(`\`${program()} lsp\` does not start: ${error.message}. Set \`neuro.path\`.`);
    }
}

async function stop() {
    const running = client;
    client = undefined;
    await running?.stop().catch(() => {});
}

/** Runs `neuro` in a terminal, in the folder of the file, where results are written. */
async function execute(kind, uri, name) {
    const document = await vscode.workspace.openTextDocument(uri);
    if (document.isUntitled) return void vscode.window.showWarningMessage("Save the file first.");
    await document.save();
    const file = document.uri.fsPath;
    const title = name || path.basename(file);
    const execution = new vscode.ProcessExecution(program(), argumentsOf(kind, file, name), { cwd: path.dirname(file) });
    const scope = vscode.workspace.getWorkspaceFolder(document.uri) ?? vscode.TaskScope.Workspace;
    const task = new vscode.Task({ type: "neuro", kind, file, name }, scope, title, "neuro", execution);
    task.presentationOptions = { clear: true };
    await vscode.tasks.executeTask(task);
}

/** The command without a lens: asks which experiment, if there are several. */
async function runOne() {
    const document = vscode.window.activeTextEditor?.document;
    if (!document) return;
    const names = runnables(document.getText()).filter((r) => r.kind === "run").map((r) => r.name);
    if (names.length === 0) return void vscode.window.showInformationMessage("This file has no experiment.");
    const name = names.length === 1 ? names[0] : await vscode.window.showQuickPick(names, { placeHolder: "Experiment" });
    if (name) await execute("run", document.uri, name);
}

async function testOne() {
    const document = vscode.window.activeTextEditor?.document;
    if (document) await execute("test", document.uri);
}

const lenses = {
    provideCodeLenses(document) {
        return runnables(document.getText()).map(({ line, kind, name }) => {
            const range = new vscode.Range(line, 0, line, 0);
            const run = { title: "$(play) Run", command: "neuro.run", arguments: [document.uri, name] };
            const test = { title: "$(beaker) Test", command: "neuro.test", arguments: [document.uri] };
            return new vscode.CodeLens(range, kind === "run" ? run : test);
        });
    },
};

async function activate(context) {
    output = vscode.window.createOutputChannel("Neuro");
    context.subscriptions.push(
        output,
        vscode.languages.registerCodeLensProvider({ language: "neuro" }, lenses),
        vscode.commands.registerCommand("neuro.run", (uri, name) => (uri ? execute("run", uri, name) : runOne())),
        vscode.commands.registerCommand("neuro.test", (uri) => (uri ? execute("test", uri) : testOne())),
        vscode.commands.registerCommand("neuro.restart", async () => { await stop(); await start(); }),
        vscode.workspace.onDidChangeConfiguration(async (change) => {
            if (change.affectsConfiguration("neuro.path")) { await stop(); await start(); }
        }),
    );
    await start();
}

module.exports = { activate, deactivate: stop };
