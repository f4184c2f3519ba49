// Serves the page, and passes messages between it and `neuro lsp`: events of the page's stream to it, posts from it.
//
//     node server.js [FILE]        NEURO=neuro PORT=8080
//
// Listens on this machine alone and answers only pages that it has served itself.
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { spawn } = require("node:child_process");

const here = (...parts) => path.join(__dirname, ...parts);
const monaco = path.join(path.dirname(require.resolve("monaco-editor/package.json")), "min");
const file = path.resolve(process.argv[2] ?? here("example.neuro"));
const program = process.env.NEURO || "neuro";
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".ttf": "font/ttf" };

/** Language servers by the number of their page. */
const sessions = new Map();

/** Splits a stream into the messages of the protocol: a header with the length, an empty line, JSON. */
function messages(stream, each) {
    let pending = Buffer.alloc(0);
    stream.on("data", (chunk) => {
        pending = Buffer.concat([pending, chunk]);
        for (;;) {
            const end = pending.indexOf("\r\n\r\n");
            if (end < 0) return;
            const length = Number(pending.subarray(0, end).toString().match(/content-length: *(\d+)/i)?.[1]);
            if (pending.length < end + 4 + length) return;
            each(pending.subarray(end + 4, end + 4 + length).toString());
            pending = pending.subarray(end + 4 + length);
        }
    });
}

/** A language server for a page, as long as the page is open. */
function open(id, response) {
    const server = spawn(program, ["lsp"], { stdio: ["pipe", "pipe", "inherit"] });
    const close = (why) => {
        if (why) console.error(`${program} lsp: ${why}`);
        sessions.delete(id);
        response.end();
    };
    server.on("error", (error) => close(error.message));
    server.on("exit", (code) => close(code ? `ended with ${code}` : ""));
    server.stdin.on("error", () => {});
    sessions.set(id, server);
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("event: ready\ndata:\n\n");
    // A message is one line: line ends within JSON are escaped.
    messages(server.stdout, (message) => response.write(`data: ${JSON.stringify(JSON.parse(message))}\n\n`));
    response.on("close", () => server.kill());
}

function post(id, request, response) {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
        const body = Buffer.concat(chunks);
        const server = sessions.get(id);
        server?.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
        server?.stdin.write(body);
        response.writeHead(server ? 204 : 410).end();
    });
}

function send(response, name) {
    fs.readFile(name, (error, data) => {
        if (error) return response.writeHead(404).end();
        response.writeHead(200, { "content-type": types[path.extname(name)] ?? "application/octet-stream" }).end(data);
    });
}

const server = http.createServer((request, response) => {
    const own = `127.0.0.1:${server.address().port}`;
    const { host, origin } = request.headers;
    if (host !== own || (origin && origin !== `http://${own}`)) return response.writeHead(403).end();
    const { pathname, searchParams } = new URL(request.url, `http://${own}`);
    const id = searchParams.get("session");
    if (request.method === "POST" && pathname === "/message") return post(id, request, response);
    if (request.method !== "GET") return response.writeHead(405).end();
    if (pathname === "/events") return open(id, response);
    if (pathname === "/file") {
        const answer = { uri: pathToFileURL(file).href, root: pathToFileURL(path.dirname(file)).href, text: fs.readFileSync(file, "utf8") };
        return response.writeHead(200, { "content-type": types[".json"] }).end(JSON.stringify(answer));
    }
    if (pathname === "/") return send(response, here("index.html"));
    if (pathname === "/client.js" || pathname === "/colours.js") return send(response, here(pathname.slice(1)));
    if (pathname === "/grammar.json") return send(response, here("../vscode/syntaxes/neuro.tmLanguage.json"));
    // `new URL` has resolved all `..`.
    if (pathname.startsWith("/vs/")) return send(response, path.join(monaco, pathname));
    response.writeHead(404).end();
});

server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
