// See screenshot.sh.
const path = require("node:path");
const { spawn } = require("node:child_process");
const { chromium } = require("playwright-core");

const folder = process.argv[2];
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"];

async function main() {
    const server = spawn(process.execPath, [path.join(__dirname, "server.js")], { env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
    let browser;
    try {
        const address = await new Promise((resolve, reject) => {
            server.stdout.once("data", (data) => resolve(String(data).trim()));
            server.once("exit", (code) => reject(new Error(`the server has ended with ${code}`)));
        });
        browser = await chromium.launch({ executablePath, headless: true, args });
        const page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
        page.on("pageerror", (error) => console.error(`page: ${error}`));
        await page.goto(address);
        await page.waitForFunction(() => window.neuro?.ready);
        await page.waitForSelector(".squiggly-error");

        await at(page, "+ I", 2);
        await page.evaluate(() => window.neuro.editor.trigger("screenshot", "editor.action.showHover", {}));
        // The error's message and what the server says of the name, which comes later.
        await page.waitForFunction(() => document.querySelectorAll(".monaco-hover:not(.hidden) .hover-row").length > 1);
        await page.waitForTimeout(300);
        await page.screenshot({ path: path.join(folder, "hover.png") });
        console.log("hover:", (await page.innerText(".monaco-hover:not(.hidden)")).trim().replace(/\s+/g, " "));

        await page.keyboard.press("Escape");
        await at(page, "measure firing_rate = r", 23);
        await page.evaluate(() => window.neuro.editor.trigger("screenshot", "editor.action.triggerSuggest", {}));
        await page.waitForSelector(".suggest-widget.visible .monaco-list-row");
        await page.waitForTimeout(300);
        await page.screenshot({ path: path.join(folder, "completion.png") });
        console.log("completions:", (await page.locator(".suggest-widget .monaco-list-row .label-name").allInnerTexts()).join(" "));
    } finally {
        await browser?.close();
        server.kill();
    }
}

/** Puts the cursor some characters behind where a text begins. */
function at(page, text, offset) {
    return page.evaluate(([text, offset]) => {
        const { editor, model } = window.neuro;
        editor.focus();
        editor.setPosition(model.getPositionAt(model.getValue().indexOf(text) + offset));
    }, [text, offset]);
}

main().catch((error) => {
    console.error(String(error));
    process.exitCode = 1;
});
