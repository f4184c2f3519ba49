// A small client of the language server protocol for Monaco: text there and back, diagnostics, hover, completion, definition,
// renaming, formatting, inlay hints.

require.config({ paths: { vs: "/vs" } });
require(["vs/editor/editor.main"], () => start().catch((error) => report(String(error))));

const problems = document.getElementById("problems");

function report(text) {
    problems.textContent = text;
    problems.className = "broken";
}

/** Lines and columns: from 1 in Monaco, from 0 in the protocol. */
const toPosition = (p) => ({ line: p.lineNumber - 1, character: p.column - 1 });
const fromPosition = (p) => ({ lineNumber: p.line + 1, column: p.character + 1 });
const fromRange = (r) => monaco.Range.fromPositions(fromPosition(r.start), fromPosition(r.end));
const fromEdit = (e) => ({ range: fromRange(e.range), text: e.newText });
const markdown = (c) => ({ value: typeof c === "string" ? c : c.language ? "```" + c.language + "\n" + c.value + "\n```" : c.value });

/** A connection to a language server of our own: `request` answers with the result, `notify` with nothing. */
async function connect(onNotification) {
    const session = crypto.randomUUID();
    const events = new EventSource(`/events?session=${session}`);
    const waiting = new Map();
    let last = 0;
    let queue = Promise.resolve();
    // One after the other, so that they arrive in order.
    const send = (message) => {
        const body = JSON.stringify({ jsonrpc: "2.0", ...message });
        queue = queue.then(() => fetch(`/message?session=${session}`, { method: "POST", body }));
        return queue;
    };
    events.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.method && message.id !== undefined) send({ id: message.id, result: null });
        else if (message.method) onNotification(message.method, message.params);
        else {
            const { resolve, reject } = waiting.get(message.id);
            waiting.delete(message.id);
            message.error ? reject(new Error(message.error.message)) : resolve(message.result);
        }
    };
    events.onerror = () => {
        events.close();
        report("the language server has ended");
    };
    await new Promise((ready) => events.addEventListener("ready", ready));
    return {
        notify: (method, params) => send({ method, params }),
        request: (method, params) => new Promise((resolve, reject) => {
            waiting.set(++last, { resolve, reject });
            send({ id: last, method, params });
        }),
    };
}

async function start() {
    const [file, grammar] = await Promise.all(["/file", "/grammar.json"].map((path) => fetch(path).then((r) => r.json())));
    monaco.languages.register({ id: "neuro", extensions: [".neuro"] });
    monaco.languages.setMonarchTokensProvider("neuro", monarch(grammar));
    monaco.languages.setLanguageConfiguration("neuro", {
        comments: { lineComment: "#" },
        brackets: [["{", "}"], ["[", "]"], ["(", ")"]],
        autoClosingPairs: [{ open: "{", close: "}" }, { open: "[", close: "]" }, { open: "(", close: ")" }, { open: '"', close: '"' }],
    });
    monaco.editor.defineTheme("neuro", theme);
    const model = monaco.editor.createModel(file.text, "neuro", monaco.Uri.parse(file.uri));
    const editor = monaco.editor.create(document.getElementById("editor"), {
        model, theme: "neuro", automaticLayout: true, minimap: { enabled: false }, fontSize: 15, wordBasedSuggestions: "off",
    });
    // For screenshot.js and for consoles.
    window.neuro = { editor, model };

    const server = await connect((method, params) => {
        if (method === "textDocument/publishDiagnostics" && params.uri === file.uri) showDiagnostics(model, params.diagnostics);
        if (method === "window/showMessage") report(params.message);
    });
    const { capabilities } = await server.request("initialize", {
        processId: null,
        rootUri: file.root,
        workspaceFolders: [{ uri: file.root, name: "neuro" }],
        capabilities: {
            general: { positionEncodings: ["utf-16"] },
            textDocument: {
                publishDiagnostics: { relatedInformation: true, codeDescriptionSupport: true },
                hover: { contentFormat: ["markdown", "plaintext"] },
                completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown", "plaintext"] } },
                rename: {}, definition: {}, formatting: {}, inlayHint: {},
            },
        },
    });
    await server.notify("initialized", {});
    await server.notify("textDocument/didOpen", { textDocument: { uri: file.uri, languageId: "neuro", version: model.getVersionId(), text: file.text } });
    // A change without a range is the whole text, whatever kind of changes the server asked for.
    model.onDidChangeContent(() => server.notify("textDocument/didChange", {
        textDocument: { uri: file.uri, version: model.getVersionId() }, contentChanges: [{ text: model.getValue() }],
    }));
    provide(server, capabilities, { uri: file.uri });
    window.neuro.ready = true;
}

function showDiagnostics(model, diagnostics) {
    const severities = [, monaco.MarkerSeverity.Error, monaco.MarkerSeverity.Warning, monaco.MarkerSeverity.Info, monaco.MarkerSeverity.Hint];
    monaco.editor.setModelMarkers(model, "neuro", diagnostics.map((d) => ({
        ...rangeOf(d.range), severity: severities[d.severity ?? 1], message: d.message, source: d.source, code: d.code && String(d.code),
        relatedInformation: d.relatedInformation?.map((r) => ({ ...rangeOf(r.location.range), resource: monaco.Uri.parse(r.location.uri), message: r.message })),
    })));
    problems.className = "";
    problems.textContent = diagnostics.map((d) => `${d.range.start.line + 1}:${d.range.start.character + 1} ${d.code ?? ""} ${d.message}`).join("\n") || "no problems";
}

/** A range as markers have it. */
function rangeOf(range) {
    const { startLineNumber, startColumn, endLineNumber, endColumn } = fromRange(range);
    return { startLineNumber, startColumn, endLineNumber, endColumn };
}

/** Offers what the server says that it can. */
function provide(server, can, textDocument) {
    const { languages } = monaco;
    const ask = (method, position, more) => server.request(`textDocument/${method}`, { textDocument, position: toPosition(position), ...more });
    if (can.hoverProvider) languages.registerHoverProvider("neuro", {
        provideHover: async (_, position) => {
            const hover = await ask("hover", position);
            return hover && { contents: [hover.contents].flat().map(markdown), range: hover.range && fromRange(hover.range) };
        },
    });
    if (can.completionProvider) languages.registerCompletionItemProvider("neuro", {
        triggerCharacters: can.completionProvider.triggerCharacters,
        provideCompletionItems: async (model, position) => {
            const list = (await ask("completion", position)) ?? [];
            const word = model.getWordUntilPosition(position);
            const typed = new monaco.Range(position.lineNumber, word.startColumn, position.lineNumber, word.endColumn);
            return {
                incomplete: list.isIncomplete,
                suggestions: (list.items ?? list).map((item) => ({
                    label: item.labelDetails ? { label: item.label, ...item.labelDetails } : item.label,
                    // Kinds are those of the protocol in another order; names are the same.
                    kind: languages.CompletionItemKind[completionKinds[item.kind ?? 1]],
                    detail: item.detail,
                    documentation: item.documentation && markdown(item.documentation),
                    insertText: item.textEdit?.newText ?? item.insertText ?? item.label,
                    insertTextRules: item.insertTextFormat === 2 ? languages.CompletionItemInsertTextRule.InsertAsSnippet : undefined,
                    range: item.textEdit?.range ? fromRange(item.textEdit.range) : typed,
                    sortText: item.sortText,
                    filterText: item.filterText,
                })),
            };
        },
    });
    if (can.definitionProvider) languages.registerDefinitionProvider("neuro", {
        provideDefinition: async (_, position) => [(await ask("definition", position)) ?? []].flat()
            .map((l) => ({ uri: monaco.Uri.parse(l.uri ?? l.targetUri), range: fromRange(l.range ?? l.targetSelectionRange) })),
    });
    if (can.renameProvider) languages.registerRenameProvider("neuro", {
        provideRenameEdits: async (model, position, newName) => {
            const edit = await ask("rename", position, { newName });
            const changes = edit?.changes ?? Object.fromEntries((edit?.documentChanges ?? []).map((c) => [c.textDocument.uri, c.edits]));
            const edits = Object.entries(changes).flatMap(([uri, list]) => list.map((e) => ({ resource: monaco.Uri.parse(uri), textEdit: fromEdit(e), versionId: undefined })));
            return { edits: edits.filter((e) => e.resource.toString() === model.uri.toString()) };
        },
    });
    if (can.documentFormattingProvider) languages.registerDocumentFormattingEditProvider("neuro", {
        provideDocumentFormattingEdits: async (_, options) => {
            const edits = await server.request("textDocument/formatting", { textDocument, options: { tabSize: options.tabSize, insertSpaces: true } });
            return (edits ?? []).map(fromEdit);
        },
    });
    if (can.inlayHintProvider) languages.registerInlayHintsProvider("neuro", {
        provideInlayHints: async (_, range) => {
            const asked = { start: toPosition(range.getStartPosition()), end: toPosition(range.getEndPosition()) };
            const hints = (await server.request("textDocument/inlayHint", { textDocument, range: asked })) ?? [];
            const label = (l) => (typeof l === "string" ? l : l.map((part) => part.value).join(""));
            return {
                hints: hints.map((h) => ({ position: fromPosition(h.position), label: label(h.label), kind: h.kind ?? 1, paddingLeft: h.paddingLeft, paddingRight: h.paddingRight })),
                dispose() {},
            };
        },
    });
}

/** Kinds of completions by their number in the protocol. */
const completionKinds = [
    , "Text", "Method", "Function", "Constructor", "Field", "Variable", "Class", "Interface", "Module", "Property", "Unit", "Value", "Enum",
    "Keyword", "Snippet", "Color", "File", "Reference", "Folder", "EnumMember", "Constant", "Struct", "Event", "Operator", "TypeParameter",
];
