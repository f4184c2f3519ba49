// The report of a run. Everything shown comes from the JSON in #data and, in a live page, from "events".
// Text is untrusted: nodes are made by `el`, which takes strings as text and never as HTML.
(() => {
  "use strict";

  const root = document.documentElement;
  const page = document.getElementById("report");

  // ---- Nodes and text ----

  function el(tag, props, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(props || {})) {
      if (key === "click") node.addEventListener("click", value);
      else if (value != null && value !== false) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat(2).filter((c) => c != null && c !== false));
    return node;
  }

  const list = (v) => (Array.isArray(v) ? v : []);
  const record = (v) => (v && typeof v === "object" && !Array.isArray(v) ? v : {});
  const text = (v) => (v == null ? "" : String(v));
  const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));
  const group = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const signed = (v, magnitude) => (v < 0 ? "\u2212" : "") + magnitude;
  const power = (n) => `10${[...String(n)].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("")}`;

  // Writes a number: integers exactly, others with so many digits.
  function num(v, digits = 6) {
    if (typeof v !== "number" || Number.isNaN(v)) return "—";
    const a = Math.abs(v);
    if (a === 0 || a === Infinity) return signed(v, a ? "∞" : "0");
    if (a >= 1e15 || a < 1e-4 || (a >= 1e9 && !Number.isInteger(a))) {
      const [mantissa, exponent] = a.toExponential(digits - 1).split("e");
      return signed(v, `${Number(mantissa)} × ${power(Number(exponent))}`);
    }
    const whole = String(Math.trunc(a)).length;
    const [int, frac] = String(Number.isInteger(a) ? a : Number(a.toPrecision(Math.max(digits, whole)))).split(".");
    return signed(v, group(int) + (frac ? `.${frac}` : ""));
  }

  const withUnit = (value, unit) => (unit && value !== "—" ? `${value}\u00a0${unit}` : value);

  function duration(s) {
    if (typeof s !== "number" || !Number.isFinite(s)) return "—";
    if (s < 1e-3) return s === 0 ? "0 s" : `${num(s * 1e6, 3)} µs`;
    if (s < 60) return s < 1 ? `${num(s * 1e3, 3)} ms` : `${num(s, 3)} s`;
    const [whole, two] = [Math.round(s), (n) => String(Math.floor(n)).padStart(2, "0")];
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    return `${num(Math.floor(whole / 3600))} h ${two((whole % 3600) / 60)} min`;
  }

  const simulated = (ms) => (ms < 1000 ? `${num(ms)} ms` : ms < 3.6e6 ? `${num(ms / 1000)} s` : duration(ms / 1000));

  function bytes(n) {
    const k = clamp(Math.floor(Math.log10(Math.max(n, 1)) / 3), 0, 4);
    return typeof n === "number" ? `${num(n / 1000 ** k, 3)} ${["B", "kB", "MB", "GB", "TB"][k]}` : "—";
  }

  // Says how fast a simulation runs: `factor` is simulated time over wall time.
  function speed(factor) {
    if (!(factor > 0) || factor === Infinity) return null;
    if (factor > 0.95 && factor < 1.05) return "about real time";
    const by = factor > 1 ? factor : 1 / factor;
    const word = factor > 1 ? "faster" : "slower";
    return `${num(by < 10 ? Number(by.toPrecision(2)) : Math.round(by))} × ${word} than real time`;
  }

  // Splits "time (ms)" into a name and a unit.
  function named(label) {
    const m = /^(.*?)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*$/.exec(text(label));
    return m ? { name: m[1], unit: m[2] } : { name: text(label), unit: "" };
  }

  // The address of a file beside the report, or null for a name that leads elsewhere.
  function beside(name) {
    const parts = text(name).split("/");
    return parts.some((p) => ["", ".", ".."].includes(p)) ? null : "./" + parts.map(encodeURIComponent).join("/");
  }

  function table(kind, heads, rows) {
    const head = heads && el("thead", {}, el("tr", {}, heads.map((h) => el("th", { scope: "col" }, h))));
    return el("div", { class: "wide" }, el("table", { class: kind }, head, el("tbody", {}, rows)));
  }


  function section(id, title, ...children) {
    const node = document.getElementById(id);
    const filled = children.some((c) => c && (!Array.isArray(c) || c.length > 0));
    node.replaceChildren(...(filled ? [el("h2", {}, title), ...children.flat().filter(Boolean)] : []));
  }

  const data = JSON.parse(document.getElementById("data").textContent);
  const state = { live: data.live === true, run: record(data.run), progress: null, lost: false };
  for (const part of ["source", "expectations", "measures", "log", "profile", "warnings", "files"]) state[part] = list(data[part]);
  const kit = { page, el, list, record, text, clamp, group, signed, power, num, withUnit, named, beside };
  const figures = figuresWith(kit);

  // ---- The head: what ran, how it went, how large and how fast ----

  function pills() {
    const { run, expectations, live, lost } = state;
    const [all, failed] = [expectations.length, expectations.filter((e) => e.passed !== true).length];
    const pill = (kind, words) => el("span", { class: `pill ${kind}` }, words);
    const out = [];
    if (lost) out.push(pill("bad", "✗ Connection lost"));
    else if (live) out.push(pill("live", "Running"));
    else if (run.complete != null) out.push(run.complete ? pill("good", "✓ Complete") : pill("bad", "✗ Stopped early"));
    if (failed > 0) out.push(pill("bad", `✗ ${failed} of ${all} expectations failed`));
    else if (all > 0) out.push(pill("good", `✓ ${all} of ${all} expectations met`));
    return out;
  }

  function facts() {
    const { run } = state;
    const has = (v) => typeof v === "number";
    const out = [];
    const add = (name, value, more) => {
      if (value == null || value === "") return;
      out.push(el("div", {}, el("dt", {}, name), el("dd", {}, value, more && el("small", {}, more))));
    };
    const count = (v) => (has(v) ? num(v) : null);
    const wall = has(run.wall_s) ? run.wall_s : null;
    const parts = `construction ${duration(run.construction_s)}, steps ${duration(run.simulation_s)}`;
    const factor = run.simulation_s > 0 ? run.simulated_ms / 1000 / run.simulation_s : null;
    // Integers beyond 2^53 are not exact in JavaScript.
    const exact = (v) => (has(v) && !Number.isSafeInteger(v) && v > 2 ** 53 ? `≈ ${num(v)}` : text(v));
    add("Neurons", count(run.neurons));
    add("Synapses", count(run.synapses), run.synapse_bytes > 0 && `${bytes(run.synapse_bytes)} of memory`);
    for (const line of run.imports ?? []) add("Imported", text(line.file), `${num(line.rows)} rows, ${num(line.synapses)} synapses`);
    add("Simulated time", has(run.simulated_ms) ? simulated(run.simulated_ms) : null);
    add("Wall time", wall == null ? null : duration(wall), has(run.construction_s) && parts);
    add("Speed of simulation", speed(factor));
    add("Spikes", count(run.spikes));
    add("Synaptic events", count(run.synaptic_events));
    add("Peak memory", has(run.peak_memory_bytes) ? bytes(run.peak_memory_bytes) : null);
    add("Seed", exact(run.seed), has(run.seed) && run.seed > 2 ** 53 && "exact in run.json");
    add("Time step", has(run.dt_ms) ? `${num(run.dt_ms)} ms` : null);
    add("Precision", text(run.precision));
    add("Threads", count(run.threads));
    add("Source", text(run.source));
    add("Neuro", text(run.neuro));
    return out.length > 0 && el("dl", { class: "facts" }, out);
  }

  function progress() {
    const p = state.progress || {};
    const known = typeof p.done === "number";
    const percent = known ? clamp(p.done * 100, 0, 100) : 0;
    const fill = el("div");
    fill.style.width = `${percent}%`;
    // A new bar goes on where the one before it was.
    fill.style.animationDelay = `-${performance.now() % 4800}ms`;
    const bar = el("div", {
      class: `bar${known || state.lost ? "" : " unknown"}`, role: "progressbar", "aria-label": "Progress of the run",
      "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": known ? Math.round(percent) : null,
    }, fill);
    const words = [text(p.text || p.phase || "waiting for the run")];
    if (known) words.push(`${Math.floor(percent)} % done`);
    if (typeof p.elapsed_s === "number") words.push(`${duration(p.elapsed_s)} elapsed`);
    if (typeof p.eta_s === "number" && !state.lost) words.push(`about ${duration(p.eta_s)} left`);
    if (speed(p.real_time_factor)) words.push(speed(p.real_time_factor));
    const ahead = known && !state.lost ? `${Math.floor(percent)} % · ` : "";
    document.title = ahead + (text(state.run.experiment) || "Neuro");
    return el("div", { class: "progress" }, bar, el("p", {}, words.map((w) => el("span", {}, w))));
  }

  function renderProgress() {
    if (state.live) document.querySelector(".progress")?.replaceWith(progress());
  }

  function notice(kind, words) {
    return el("p", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, words);
  }

  function renderHead() {
    const { run, live, lost, warnings } = state;
    const mono = (words) => el("td", { class: "mono" }, text(words));
    const overrides = Object.entries(record(run.overrides)).map((pair) => el("tr", {}, pair.map(mono)));
    const warned = [warnings.length === 1 ? "Warning:" : `${num(warnings.length)} warnings:`, ...warnings.map(text)];
    const lostWords = "The connection to the run was lost. What is shown is what had arrived; it changes no more.";
    document.getElementById("head").replaceChildren(...[
      el("p", { class: "over" }, live ? "Neuro, run in progress" : "Neuro, report of a run"),
      el("div", { class: "title" }, el("h1", {}, text(run.experiment) || "Experiment"), pills()),
      lost && notice("bad", lostWords),
      !live && run.stopped_because && notice("bad", `Stopped because: ${run.stopped_because}`),
      live && progress(),
      warnings.length > 0 && notice("warning", warned.join("\n")),
      facts(),
      overrides.length > 0 && el("div", { class: "overrides" }, el("h4", {}, "Overrides"),
        table("narrow", null, overrides)),
    ].filter(Boolean));
  }

  function renderNav() {
    const counts = { figures: figures.figures.size };
    for (const part of ["expectations", "measures", "log", "files"]) counts[part] = state[part].length;
    const shown = [...page.querySelectorAll("section")].filter((s) => s.childElementCount > 0);
    const link = ({ id, firstChild }) => el("a", { href: `#${id}` }, firstChild.textContent,
      counts[id] > 0 && el("span", {}, num(counts[id])));
    document.getElementById("nav").replaceChildren(...shown.map(link));
  }

  // A button that shows the rest of something, for good.
  const opened = new Set();

  function more(key, words) {
    const show = () => {
      opened.add(key);
      renderExpectations();
      renderMeasures();
    };
    return el("button", { class: "plain", type: "button", click: show }, words);
  }

  // ---- Expectations ----

  // The place of a line: `L7` in the first file, `F1L7` in the next.
  const lineId = (file, line) => (file === 0 ? `L${line}` : `F${file}L${line}`);

  function place({ path, line }) {
    const file = state.source.findIndex((s) => s.path === path);
    const words = `${text(path)}${line == null ? "" : `:${line}`}`;
    return file < 0 || line == null ? words : el("a", { href: `#${lineId(file, line)}` }, words);
  }

  // Of many expectations, those that failed come into view; the others wait to be asked for.
  function renderExpectations() {
    const all = state.expectations;
    const few = all.length <= 12 || opened.has("expectations");
    const failed = all.some((e) => e.passed !== true);
    const rows = all.map((e, k) => {
      const met = e.passed === true;
      const verdict = el("td", { class: `verdict ${met ? "met" : "failed"}` }, met ? "✓ met" : "✗ failed");
      const [wanted, found] = [el("td", { class: "mono" }, text(e.text)), el("td", { class: "value" }, text(e.found))];
      const hidden = !few && (failed ? met : k >= 6);
      return el("tr", { class: met ? null : "miss", hidden }, verdict, wanted, found, el("td", {}, place(e)));
    });
    const rest = rows.filter((r) => r.hidden).length;
    const words = failed ? `Show the ${rest} that were met` : `Show all ${all.length}`;
    const filled = rows.length > 0 && table("expectations", ["Result", "Expected", "Found", "Source"], rows);
    section("expectations", "Expectations", filled, rest > 0 && more("expectations", words));
  }

  // ---- Measures ----

  const finite = (values) => values.filter((v) => typeof v === "number");
  const wider = ([low, high], v) => [Math.min(low, v), Math.max(high, v)];
  const extent = (values) => finite(values).reduce(wider, [Infinity, -Infinity]);

  function summary(values, unit) {
    const all = finite(values);
    if (all.length === 0) return "no values";
    const mean = all.reduce((a, b) => a + b, 0) / all.length;
    const [low, high] = extent(all);
    const missing = values.length > all.length ? `, ${num(values.length - all.length)} without a value` : "";
    return `${num(low, 4)} … ${withUnit(num(high, 4), unit)}, mean ${withUnit(num(mean, 4), unit)}${missing}`;
  }

  // A line through the values; of many in one place, the least and the greatest.
  function sparkline(values) {
    const [width, height] = [180, 28];
    const all = finite(values);
    if (all.length < 2) return null;
    const [low, high] = extent(all);
    const y = (v) => (high > low ? height - 1 - ((v - low) / (high - low)) * (height - 2) : height / 2).toFixed(2);
    const each = Math.max(1, Math.ceil(values.length / width));
    let path = "", down = false;
    for (let k = 0; k < values.length; k += each) {
      const some = finite(values.slice(k, k + each));
      const x = ((k / Math.max(values.length - 1, 1)) * width).toFixed(2);
      if (some.length > 0) path += `${down ? "L" : "M"}${x} ${y(Math.min(...some))}L${x} ${y(Math.max(...some))}`;
      down = some.length > 0;
    }
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("class", "spark");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  function numbers(values, key) {
    const limit = opened.has(key) ? 20000 : 40;
    const texts = values.slice(0, limit).map((v) => num(v));
    const widest = Math.max(...texts.map((t) => t.length)) + String(texts.length).length + 3;
    const item = (t, k) => el("li", { title: text(values[k]) }, el("i", {}, k), t);
    const grid = el("ol", { class: "numbers" }, texts.map(item));
    grid.style.gridTemplateColumns = `repeat(auto-fill, minmax(${widest}ch, 1fr))`;
    const rest = values.length > limit && (opened.has(key)
      ? el("p", { class: "muted small" }, `The first ${num(limit)} of ${num(values.length)}; all are in measures.json.`)
      : more(key, `Show all ${num(values.length)}`));
    return [grid, rest];
  }

  // The colour of a value within its matrix: blue above zero, orange below where both occur.
  function tint(v, low, high) {
    if (typeof v !== "number") return "transparent";
    const both = low < 0 && high > 0;
    const part = both ? Math.abs(v) / Math.max(-low, high) : high > low ? (v - low) / (high - low) : 0.3;
    return `rgb(${both && v < 0 ? "213 94 0" : "0 114 178"} / ${(0.04 + 0.7 * part).toFixed(3)})`;
  }

  function heat(values, [low, high], rows, columns, unit) {
    const at = (r, c) => values[r * columns + c];
    const indices = (n) => [...Array(n).keys()];
    if (columns <= 20 && rows * columns <= 400) {
      const cell = (r, c) => {
        const td = el("td", { title: `row ${r}, column ${c}: ${withUnit(text(at(r, c)), unit)}` }, num(at(r, c), 4));
        td.style.backgroundColor = tint(at(r, c), low, high);
        return td;
      };
      const row = (r) => el("tr", {}, el("th", { scope: "row" }, r), indices(columns).map((c) => cell(r, c)));
      return table("heat", ["", ...indices(columns)], indices(rows).map(row));
    }
    const signs = low < 0 && high > 0 ? " Blue is above zero, orange below." : "";
    const readout = el("p", { class: "muted small" }, `Row 0 is at the top.${signs}`);
    if (Math.max(rows, columns) > 4096) {
      readout.textContent = "Too large to draw here; measures.json has it.";
      return readout;
    }
    const size = clamp(Math.floor(540 / columns), 1, 12);
    const canvas = el("canvas", { class: "grid", width: columns, height: rows });
    canvas.style.width = `${columns * size}px`;
    canvas.style.height = `${rows * clamp(Math.floor(24 / rows), size, 12)}px`;
    const pen = canvas.getContext("2d");
    for (const r of indices(rows)) {
      for (const c of indices(columns)) {
        pen.fillStyle = tint(at(r, c), low, high);
        pen.fillRect(c, r, 1, 1);
      }
    }
    canvas.addEventListener("mousemove", (event) => {
      const box = canvas.getBoundingClientRect();
      const c = clamp(Math.floor(((event.clientX - box.left) / box.width) * columns), 0, columns - 1);
      const r = clamp(Math.floor(((event.clientY - box.top) / box.height) * rows), 0, rows - 1);
      readout.textContent = `row ${r}, column ${c}: ${withUnit(num(at(r, c)), unit)}`;
    });
    return [canvas, readout];
  }

  function measureBlock(m, k) {
    const values = list(m.values);
    const executions = m.executions > 1 ? m.executions : 1;
    const shape = [...(executions > 1 ? [executions] : []), ...list(m.shape)];
    const unit = text(m.unit);
    const size = shape.length === 1 ? `${num(shape[0])} ${executions > 1 ? "executions" : "values"}`
      : `${executions > 1 ? `${executions} executions of ` : ""}${list(m.shape).join(" × ")}`;
    const spark = shape.length === 1 && sparkline(values);
    const aside = (words) => el("span", { class: "muted small value" }, words);
    const title = el("h4", { class: "mono" }, text(m.name));
    const header = el("header", {}, title, aside(size), aside(summary(values, unit)), spark);
    const key = `${k} ${m.name}`;
    if (shape.length < 2) return el("div", { class: "measure" }, header, values.length > 0 && numbers(values, key));
    const [rows, columns] = shape.slice(-2);
    const all = shape.length > 2 ? executions : 1;
    const shown = opened.has(key) ? all : Math.min(all, 3);
    const one = (e) => [all > 1 && el("p", { class: "muted small" }, `Execution ${e + 1}`),
      heat(values.slice(e * rows * columns, (e + 1) * rows * columns), extent(values), rows, columns, unit)];
    const hint = all === 1 && executions > 1 && el("p", { class: "muted small" }, "One row for each execution.");
    return el("div", { class: "measure" }, header, hint, [...Array(shown).keys()].flatMap((e) => one(e).flat()),
      shown < all && more(key, `Show all ${all} executions`));
  }

  function renderMeasures() {
    const single = (m) => list(m.shape).length === 0 && !(m.executions > 1);
    const row = (m) => el("tr", {}, el("td", { class: "mono" }, text(m.name)),
      el("td", { class: "value", title: text(list(m.values)[0]) }, withUnit(num(list(m.values)[0]), text(m.unit))));
    const scalars = state.measures.filter(single);
    section("measures", "Measures", scalars.length > 0 && table("narrow", ["Name", "Value"], scalars.map(row)),
      state.measures.filter((m) => !single(m)).map(measureBlock));
  }

  // ---- Source, log, files, details ----

  const WORDS = new Set(`import use const unit fn neuron compartment cable channel synapse network dataset population
    view projection connect drive experiment test seed dt precision data let var run step steps settle window until at
    for in repeat times sweep if then else signal plasticity reset save load record every measure print plot expect
    state param event input modulator gate couple current emit when on after init deliver derive weight delay spikes
    poisson bernoulli noise as from where over during against and or not within true false`.split(/\s+/));
  const UNIT = "(?:[fpnuµmcdkMG]?(?:Hz|[Oo]hm|mol|eV|rad|deg|degC|[VASFsmMKJCgNWTL]|Pa)(?:\\^-?\\d+)?|%)";
  const NUMBER = `\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?(?:[ \\t]*${UNIT}(?![\\w(])(?:[*/]${UNIT}(?!\\w))*)?`;
  const TOKEN = new RegExp(`(#.*)|("[^"]*"?)|(${NUMBER})|([A-Za-z_]\\w*)`, "g");

  function colored(line) {
    const out = [];
    let done = 0;
    for (const m of line.matchAll(TOKEN)) {
      const kind = m[1] ? "remark" : m[2] ? "string" : m[3] ? "number" : WORDS.has(m[4]) ? "word" : null;
      if (!kind) continue;
      out.push(line.slice(done, m.index), el("span", { class: kind }, m[0]));
      done = m.index + m[0].length;
    }
    return [...out, line.slice(done)];
  }

  function renderSource() {
    const file = (s, k) => {
      const lines = text(s.text).replace(/\n$/, "").split(/\r?\n/);
      const row = (line, n) => el("div", { id: lineId(k, n + 1), "data-n": n + 1 }, colored(line));
      const summary = el("summary", {}, text(s.path), el("span", { class: "muted" }, `${num(lines.length)} lines`));
      return el("details", { open: k === 0 }, summary, el("div", { class: "code" }, lines.map(row)));
    };
    section("source", "Source", state.source.map(file));
  }

  function renderLog() {
    const shown = state.log.slice(-5000);
    const before = document.querySelector("#log .code");
    const atEnd = before && before.scrollTop + before.clientHeight >= before.scrollHeight - 8;
    const cut = shown.length < state.log.length && `The last ${num(shown.length)} of ${num(state.log.length)} lines.`;
    const lines = el("div", { class: "code log" }, shown.map((line) => el("div", {}, text(line) || " ")));
    section("log", "Log", cut && el("p", { class: "muted small" }, cut), shown.length > 0 && lines);
    if (state.live && (atEnd || !before)) lines.scrollTop = lines.scrollHeight;
    else if (before) lines.scrollTop = before.scrollTop;
  }

  // Where the time went, what took longest first.
  function renderProfile() {
    const all = Math.max(...[state.run.wall_s, 0].filter((s) => typeof s === "number"));
    const networks = new Set(state.profile.map((r) => r.network)).size;
    const of = (r) => [networks > 1 && r.network, r.of].filter(Boolean).map(text).join(".");
    const cell = (words) => el("td", { class: "value" }, words);
    const row = (r) => el("tr", {}, cell(`${num((100 * r.seconds) / all, 3)} %`), cell(withUnit(num(r.seconds, 3), "s")),
      cell(num(r.times)), el("td", { class: "mono" }, of(r)), el("td", {}, text(r.what)));
    const longest = [...state.profile].sort((a, b) => b.seconds - a.seconds);
    section("profile", "Time", longest.length > 0 && table("", ["Share", "Wall time", "Times", "Of", "Part"], longest.map(row)));
  }

  function renderFiles() {
    const link = (name) => (beside(name) ? el("a", { href: beside(name) }, text(name)) : text(name));
    const row = (f) => el("tr", {}, el("td", {}, link(f.name)), el("td", { class: "value" }, bytes(f.bytes)));
    section("files", "Files", state.files.length > 0 && table("narrow", ["Name", "Size"], state.files.map(row)));
    figures.linkAll(state.files.map((f) => text(f.name)));
  }

  function renderDetails() {
    const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : text(value));
    const cell = (kind, words) => el("td", { class: kind }, words);
    const row = ([name, value]) => el("tr", {}, cell("mono", name), cell("digest", plain(value)));
    const inner = ([name, value]) => Object.entries(record(value)).map(([key, v]) => [`${name} · ${key}`, v]);
    const flat = (entry) => (entry[1] === record(entry[1]) ? inner(entry) : [entry]);
    const rows = Object.entries(state.run).filter(([k, v]) => v != null && k !== "files").flatMap(flat).map(row);
    section("details", "Details", rows.length > 0 && el("details", {}, el("summary", {}, "Versions, digests and counts",
      el("span", { class: "muted" }, "as in run.json")), table("", null, rows)));
  }

  const RENDER = {
    head: renderHead, progress: renderProgress, expectations: renderExpectations, measures: renderMeasures,
    source: renderSource, log: renderLog, profile: renderProfile, files: renderFiles, details: renderDetails,
  };

  function renderFigures() {
    if (figures.figures.size === 0 || figures.home.isConnected) return;
    const hint = "Drag to zoom, with Shift in both directions; double-click to see all again. Click a name to hide it.";
    section("figures", "Figures", el("p", { class: "muted small hint" }, hint), figures.home);
    figures.layoutAll();
  }

  // ---- Live ----

  const stale = new Set();
  let timer = null;

  function later(...parts) {
    for (const part of parts) stale.add(part);
    timer ??= setTimeout(refresh, 120);
  }

  function refresh() {
    clearTimeout(timer);
    timer = null;
    for (const part of stale) RENDER[part]();
    stale.clear();
    renderNav();
  }

  const arriving = new Map();
  let drawing = null;

  async function drain() {
    while (arriving.size > 0) {
      const [name, figure] = arriving.entries().next().value;
      arriving.delete(name);
      await figures.show(figure).catch((error) => {
        console.error(error);
        state.warnings.push(`The figure ${name} could not be drawn: ${error.message}`);
        later("head");
      });
      renderFigures();
      renderNav();
    }
    drawing = null;
  }

  function arrive(figure) {
    arriving.set(text(figure.name), figure);
    drawing ??= drain();
    return drawing;
  }

  const EVENTS = {
    begin(m) {
      Object.assign(state.run, record(m.run));
      if (Array.isArray(m.source)) state.source = m.source;
      later("head", "source", "details");
    },
    progress(m) {
      state.progress = m;
      later("progress");
    },
    measure({ measure }) {
      const at = state.measures.findIndex((m) => m.name === measure.name);
      state.measures.splice(at < 0 ? state.measures.length : at, at < 0 ? 0 : 1, measure);
      later("measures");
    },
    expectation({ expectation }) {
      state.expectations.push(expectation);
      later("head", "expectations");
    },
    figure: ({ figure }) => arrive(record(figure)),
    line(m) {
      state.log.push(m.text);
      later("log");
    },
    warning(m) {
      state.warnings.push(m.text);
      later("head");
    },
  };

  async function end(m) {
    state.live = false;
    Object.assign(state.run, record(m.run));
    state.files = list(m.files);
    await drawing;
    later("head", "files", "details");
    refresh();
    document.title = text(state.run.experiment) || "Neuro";
    root.dataset.ready = "true";
  }

  function listen() {
    const source = new EventSource("events");
    source.onmessage = (message) => {
      const m = record(JSON.parse(message.data));
      if (m.event === "end") {
        source.close();
        end(m);
      } else if (Object.hasOwn(EVENTS, m.event)) EVENTS[m.event](m);
    };
    source.onerror = () => {
      source.close();
      state.lost = true;
      later("head");
      refresh();
    };
  }

  // ---- Start ----

  // Opens what hides the target of a link within the page.
  function reveal(hash) {
    const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    return target;
  }

  function follow() {
    page.addEventListener("click", (event) => {
      const href = event.target.closest?.("a")?.getAttribute("href");
      if (href?.startsWith("#")) reveal(href);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figures.redrawAll());
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("details:not([open])")];
      for (const d of closed) d.open = true;
      root.dataset.print = "";
      figures.redrawAll();
      figures.layoutAll(true);
    });
    addEventListener("afterprint", () => {
      for (const d of closed) d.open = false;
      delete root.dataset.print;
      figures.redrawAll();
      figures.layoutAll(false);
    });
    let width = page.clientWidth, waiting = null;
    new ResizeObserver(() => {
      if (page.clientWidth === width) return;
      width = page.clientWidth;
      clearTimeout(waiting);
      waiting = setTimeout(() => figures.layoutAll(), 60);
    }).observe(page);
  }

  async function start() {
    page.append(el("div", { id: "head" }), el("nav", { id: "nav", "aria-label": "Parts of the report" }));
    const parts = ["expectations", "figures", "measures", "source", "log", "profile", "files", "details"];
    page.append(...parts.map((id) => el("section", { id })));
    for (const render of Object.values(RENDER)) render();
    renderNav();
    follow();
    if (state.live) listen();
    for (const figure of list(data.figures)) await arrive(record(figure));
    if (reveal(location.hash)) location.replace(location.hash);
    if (!data.live) root.dataset.ready = "true";
  }

  window.neuroReport = { get charts() { return figures.charts(); }, panelInfo: figures.panelInfo };
  start();
})();
