// The figures of a report: uPlot keeps axes, zoom and cursor; layers are drawn here, from their values alone.
// `page.js` calls this with its helpers.
const figuresWith = (kit) => {
  "use strict";

  const { page, el, list, record, text, clamp, group, signed, power, num, withUnit, named, beside } = kit;

  // ---- Colours ----

  const SANS = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
  const theme = {};
  const shades = new Map();

  function readTheme() {
    const style = getComputedStyle(page);
    for (const name of ["dark", "muted", "faint", "grid", "axis", "accent"]) {
      theme[name] = style.getPropertyValue(`--${name}`).trim();
    }
    shades.clear();
  }

  const isColor = (c) => /^#[0-9a-f]{6}$/i.test(text(c));

  function luminance(rgb) {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  // The colour of a series, lightened where it would be lost on dark paper.
  function shade(color) {
    if (!isColor(color)) return theme.accent;
    if (theme.dark !== "1") return color;
    if (!shades.has(color)) {
      const rgb = [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
      let out = rgb;
      for (let mix = 0; luminance(out) < 0.22; mix += 0.05) out = rgb.map((c) => Math.round(c + (255 - c) * mix));
      shades.set(color, `rgb(${out.join(" ")})`);
    }
    return shades.get(color);
  }

  // ---- Axes ----

  function linearTicks(lo, hi, count, whole) {
    const least = Math.max((hi - lo) / Math.max(count, 1), whole ? 1 : 0);
    const ten = 10 ** Math.floor(Math.log10(least));
    const step = ten * [1, 2, 5, 10].find((k) => least <= k * ten * (1 + 1e-9));
    const most = Math.max(Math.abs(lo), Math.abs(hi));
    const powers = most >= 1e6 || most < 1e-3;
    const digits = clamp(Math.ceil(Math.log10(most / step)) + 1, 1, 15);
    const places = clamp(Math.ceil(-Math.log10(step) - 1e-9), 0, 12);
    const out = [];
    for (let k = Math.ceil(lo / step - 1e-9); k <= Math.floor(hi / step + 1e-9) && out.length < 100; k++) {
      const at = Number((k * step).toPrecision(12));
      const [int, frac] = Math.abs(at).toFixed(places).split(".");
      out.push({ at, text: powers ? num(at, digits) : signed(at, group(int) + (frac && at ? `.${frac}` : "")) });
    }
    return out;
  }

  function logTicks(lo, hi, count) {
    const decades = Math.log10(hi / lo);
    if (decades < 0.9) return linearTicks(lo, hi, count).filter((t) => t.at > 0);
    const [first, last] = [Math.floor(Math.log10(lo)), Math.ceil(Math.log10(hi))];
    const stride = Math.ceil(decades / Math.max(count, 1));
    const powers = first < -3 || last > 4;
    const labelled = decades * 2 <= count && !powers ? [1, 2, 5] : [1];
    const out = [];
    const next = stride > 2 ? stride : 1;
    for (let e = Math.ceil(first / next) * next; e <= last; e += next) {
      for (let k = 1; k < (stride === 1 ? 10 : 2); k++) {
        const at = Number((k * 10 ** e).toPrecision(12));
        if (at < lo * (1 - 1e-9) || at > hi * (1 + 1e-9)) continue;
        out.push({ at, text: e % stride !== 0 || !labelled.includes(k) ? "" : powers ? power(e) : num(at) });
      }
    }
    return out;
  }

  function axis(raw) {
    let [lo, hi] = list(raw.range).map(Number);
    if (!Number.isFinite(lo) || !Number.isFinite(hi)) [lo, hi] = [0, 1];
    const log = raw.log === true && hi > 0;
    if (log && !(lo > 0)) lo = hi / 1e6;
    if (!(lo < hi)) [lo, hi] = log ? [hi / 2, hi * 2] : [lo - (Math.abs(lo) || 1) / 10, lo + (Math.abs(lo) || 1) / 10];
    const ticks = Array.isArray(raw.ticks) ? raw.ticks.map((t) => ({ at: Number(t.at), text: text(t.text) })) : null;
    return { label: text(raw.label), ...named(raw.label), log, range: [lo, hi], ticks, none: ticks?.length === 0 };
  }

  // ---- Layers ----

  // Numbers as doubles; what is null or missing becomes NaN, never zero.
  const doubles = (v) => Float64Array.from(list(v), (n) => (typeof n === "number" ? n : NaN));
  const isSorted = (x) => x.every((v, k) => (k === 0 ? !Number.isNaN(v) : v >= x[k - 1]));
  const known = (...values) => values.every(Number.isFinite);

  // The first index whose value is not less than v.
  function lower(x, v) {
    let [a, b] = [0, x.length];
    while (a < b) {
      const m = (a + b) >> 1;
      if (x[m] < v) a = m + 1;
      else b = m;
    }
    return a;
  }

  // Draws in the order of these names.
  const ORDER = ["image", "band", "bars", "rule", "line", "raster", "points"];

  function layer(raw, right) {
    const { kind, color } = raw;
    const l = { kind, color, label: text(raw.label), shown: true, axis: raw.axis === "right" && right ? "right" : "y" };
    for (const part of ["x", "y", "low", "high", "edges", "error"]) if (raw[part]) l[part] = doubles(raw[part]);
    l.x ||= doubles([]);
    l.y ||= doubles([]);
    l.keyed = l.label !== "" && kind !== "rule" && !raw.scale;
    l.count = (l.low || l.y).reduce((n, v) => n + Number.isFinite(v), 0);
    if (kind === "line" || kind === "band") {
      l.sorted = isSorted(l.x);
      l.steps = raw.steps === true;
      l.dash = list(raw.dash).every((d) => d > 0) ? list(raw.dash) : [];
    } else if (kind === "raster" || kind === "points") {
      const order = [...l.x.keys()].filter((k) => known(l.x[k], l.y[k])).sort((a, b) => l.x[a] - l.x[b]);
      for (const part of ["x", "y", "error"]) if (l[part]) l[part] = Float64Array.from(order, (k) => l[part][k] ?? NaN);
      if (Array.isArray(raw.names)) l.names = order.map((k) => text(raw.names[k]));
    } else if (kind === "bars") {
      l.edges ||= doubles([]);
      l.y = l.y.slice(0, Math.max(0, l.edges.length - 1));
    } else if (kind === "image") {
      l.href = /^data:image\//.test(text(raw.href)) ? raw.href : null;
      l.values = Array.isArray(raw.values?.data) ? raw.values : null;
      l.scale = list(raw.scale?.colors).some(isColor) ? raw.scale : null;
      l.count = l.values ? l.values.data.length : 1;
    } else if (kind === "rule") {
      [l.at, l.flat] = [Number(raw.at), raw.along !== "y"];
    }
    return l;
  }

  function layersOf(raw, right) {
    const layers = list(raw).map((l) => layer(record(l), right)).filter((l) => ORDER.includes(l.kind));
    // A band without a label belongs to the line of its colour.
    layers.forEach((band, k) => {
      if (band.kind !== "band" || band.label) return;
      const fits = (l) => l.kind === "line" && l.color === band.color && l.axis === band.axis && !l.band;
      band.line = layers.slice(k).find(fits) || layers.slice(0, k).reverse().find(fits);
      if (band.line) band.line.band = band;
    });
    // An image by itself needs no entry in the legend, and one of many would not be found by it.
    const images = layers.filter((l) => l.kind === "image");
    if (images.length > 1 || layers.length === 1) for (const l of images) l.keyed = false;
    return layers;
  }

  const isShown = (l) => (l.line || l).shown;

  async function loadImage(l) {
    const image = new Image();
    image.src = l.href;
    await image.decode().then(() => (l.image = image), () => {});
  }

  // ---- Drawing, in canvas pixels: `c` holds the context, the plotting area and the projections X and Y ----

  function projection(u, key) {
    const s = u.scales[key];
    const { left, top, width, height } = u.bbox;
    const of = s.distr === 3 ? Math.log10 : (v) => v;
    const [lo, span] = [of(s.min), of(s.max) - of(s.min)];
    return key === "x" ? (v) => left + ((of(v) - lo) / span) * width : (v) => top + (1 - (of(v) - lo) / span) * height;
  }

  // The samples of a layer that are seen, with one more on either side.
  function seen({ x: { min, max } }, l) {
    return l.sorted ? [Math.max(0, lower(l.x, min) - 1), Math.min(l.x.length, lower(l.x, max) + 2)] : [0, l.x.length];
  }

  function dot({ ctx, ratio }, x, y, r) {
    ctx.beginPath();
    ctx.arc(x, y, r * ratio, 0, 7);
    ctx.fill();
  }

  const draw = {
    image({ ctx, box, X, Y }, l) {
      const [L, R, T, B] = [X(l.x[0]), X(l.x[1]), Y(l.y[1]), Y(l.y[0])];
      if (!l.image || !(R > L) || !(B > T)) return;
      const [sx, sy] = [l.image.naturalWidth / (R - L), l.image.naturalHeight / (B - T)];
      // Whole pixels of the image that are seen: edges stay exact however large they become.
      const [a, c] = [Math.max(0, Math.floor((box.left - L) * sx)), Math.max(0, Math.floor((box.top - T) * sy))];
      const b = Math.min(l.image.naturalWidth, Math.ceil((box.left + box.width - L) * sx));
      const d = Math.min(l.image.naturalHeight, Math.ceil((box.top + box.height - T) * sy));
      if (b <= a || d <= c) return;
      // Enlarged pixels keep their edges; where several share a pixel of the screen, they are averaged.
      ctx.imageSmoothingEnabled = Math.max(sx, sy) > 1;
      ctx.imageSmoothingQuality = "high";
      ctx.drawImage(l.image, a, c, b - a, d - c, L + a / sx, T + c / sy, (b - a) / sx, (d - c) / sy);
    },

    band({ ctx, scales, X, Y }, l) {
      const [from, to] = seen(scales, l);
      ctx.globalAlpha = 0.2;
      for (let k = from, end; k < to; k = end + 1) {
        for (end = k; end < to && known(X(l.x[end]), Y(l.low[end]), Y(l.high[end])); end++);
        ctx.beginPath();
        for (let j = k; j < end; j++) ctx.lineTo(X(l.x[j]), Y(l.high[j]));
        for (let j = end - 1; j >= k; j--) ctx.lineTo(X(l.x[j]), Y(l.low[j]));
        ctx.fill();
      }
    },

    bars({ ctx, box, ratio, X, Y, crowd }, l) {
      ctx.globalAlpha = crowd > 1 ? 0.55 : 0.85;
      const base = known(Y(0)) ? Y(0) : box.top + box.height;
      l.y.forEach((v, k) => {
        const ends = [X(l.edges[k]), X(l.edges[k + 1])].map((x) => clamp(x, box.left, box.left + box.width));
        const [a, b, y] = [...ends, Y(v)];
        if (!(b > a)) return;
        const gap = b - a > 5 * ratio ? ratio : 0;
        if (known(a, b, y)) ctx.fillRect(a + gap / 2, Math.min(y, base), b - a - gap, Math.abs(base - y));
      });
    },

    rule({ ctx, box, ratio, X, Y }, l) {
      ctx.fillStyle = theme.faint;
      if (l.flat) ctx.fillRect(box.left, Math.round(Y(l.at)), box.width, ratio);
      else ctx.fillRect(Math.round(X(l.at)), box.top, ratio, box.height);
    },

    line(c, l) {
      const { ctx, box, ratio, X, Y } = c;
      const [from, to] = seen(c.scales, l);
      const alone = [];
      let run = 0, x0, y0;
      ctx.lineWidth = 1.4 * ratio;
      ctx.lineJoin = "round";
      ctx.beginPath();
      const put = (k) => {
        const [x, y] = [X(l.x[k]), Y(l.y[k])];
        if (run > 0 && l.steps && known(x)) ctx.lineTo(x, y0); // held until the next sample, even one without a value
        else if (run === 1 && !known(x, y)) alone.push([x0, y0]);
        if (!known(x, y)) return (run = 0);
        if (run++ === 0) ctx.moveTo(x, y);
        else ctx.lineTo(x, y);
        [x0, y0] = [x, y];
      };
      for (let k = from, end; k < to; k = end) {
        let [column, least, most] = [Math.floor(X(l.x[k])), k, k];
        for (end = k + 1; end < to && l.sorted && to - from > 4 * box.width && known(Y(l.y[k]), Y(l.y[end])); end++) {
          if (Math.floor(X(l.x[end])) !== column) break;
          if (l.y[end] < l.y[least]) least = end;
          if (l.y[end] > l.y[most]) most = end;
        }
        // Of samples in one column of pixels: the first, the least, the greatest and the last, in their order.
        new Set([k, Math.min(least, most), Math.max(least, most), end - 1]).forEach(put);
      }
      put(l.x.length);
      ctx.setLineDash(l.dash.map((d) => d * ratio));
      ctx.stroke();
      alone.forEach(([x, y]) => dot(c, x, y, 1.6));
      // As many points as figures have, and of longer lines those that a zoom leaves few of.
      const few = l.x.length <= 40 || to - from < l.x.length;
      if (!l.sorted || l.steps || l.dash.length || !few || (to - from) * 14 * ratio > box.width) return;
      for (let k = from; k < to; k++) if (known(Y(l.y[k]))) dot(c, X(l.x[k]), Y(l.y[k]), 2.2);
    },

    raster({ ctx, scales, box, ratio, X, Y }, l) {
      const [from, to] = [lower(l.x, scales.x.min), lower(l.x, scales.x.max + Number.EPSILON)];
      const pitch = Math.abs(Y(1) - Y(0));
      const size = (to - from > 20000 ? 1.2 : to - from > 4000 ? 1.6 : 2.2) * ratio;
      const [w, h] = pitch > 5 * ratio ? [1.4 * ratio, Math.min(0.7 * pitch, 16 * ratio)] : [size, size];
      for (let k = from; k < l.x.length && l.x[k] <= scales.x.max; k++) {
        const y = Y(l.y[k]);
        if (y >= box.top - h && y <= box.top + box.height + h) ctx.fillRect(X(l.x[k]) - w / 2, y - h / 2, w, h);
      }
    },

    points(c, l) {
      const { ctx, box, ratio, X, Y } = c;
      const r = l.count > 2000 ? 1.4 : l.count > 300 ? 2.2 : 3.2;
      ctx.lineWidth = 1.2 * ratio;
      ctx.beginPath();
      for (let k = 0; k < l.x.length; k++) {
        const [x, w, e] = [X(l.x[k]), r * ratio, l.error ? l.error[k] : 0];
        if (!(e > 0) || !known(x, Y(l.y[k]))) continue;
        const ends = [Y(l.y[k] + e), Y(l.y[k] - e)].map((y) => (known(y) ? y : box.top + box.height));
        ctx.rect(x, ends[0], 0, ends[1] - ends[0]);
        for (const y of ends) ctx.rect(x - w, y, 2 * w, 0);
      }
      ctx.stroke();
      for (let k = 0; k < l.x.length; k++) if (known(X(l.x[k]), Y(l.y[k]))) dot(c, X(l.x[k]), Y(l.y[k]), r);
    },
  };

  function drawPanel(panel, u) {
    const { ctx, bbox: box, scales } = u;
    const ratio = devicePixelRatio || 1;
    const layers = panel.layers.filter(isShown).sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
    const c = { ctx, box, scales, ratio, X: projection(u, "x"), crowd: layers.filter((l) => l.kind === "bars").length };
    ctx.save();
    ctx.beginPath();
    ctx.rect(box.left - ratio, box.top - ratio, box.width + 2 * ratio, box.height + 2 * ratio);
    ctx.clip();
    for (const l of layers) {
      ctx.save();
      ctx.fillStyle = ctx.strokeStyle = shade(l.color);
      draw[l.kind]({ ...c, Y: projection(u, l.axis) }, l);
      ctx.restore();
    }
    ctx.restore();
    panel.bars.forEach((bar, k) => colorBar(panel, c, bar, k));
  }

  // The distinct colour scales of a panel, each with its ticks.
  function barsOf(layers) {
    const found = new Map();
    for (const { label, scale } of layers) {
      if (!scale) continue;
      const { low, high, colors } = scale;
      const ticks = low < high ? linearTicks(low, high, 4) : [{ at: low, text: num(low, 4) }];
      found.set(JSON.stringify([label, scale]), { label, low, high, colors: colors.filter(isColor), ticks });
    }
    return [...found.values()];
  }

  function colorBar(panel, { ctx, box, ratio }, { label, low, high, colors, ticks }, k) {
    const height = (box.height - (panel.bars.length - 1) * 10 * ratio) / panel.bars.length;
    const top = box.top + k * (height + 10 * ratio);
    const left = box.left + box.width + (panel.sizes.right + 12) * ratio;
    const fill = ctx.createLinearGradient(0, top + height, 0, top);
    colors.forEach((color, j) => fill.addColorStop(j / Math.max(colors.length - 1, 1), color));
    ctx.save();
    ctx.fillStyle = fill;
    ctx.fillRect(left, top, 10 * ratio, height);
    ctx.fillStyle = theme.muted;
    ctx.font = `${11 * ratio}px ${SANS}`;
    [ctx.textBaseline, ctx.textAlign] = ["middle", "left"];
    for (const t of ticks) {
      const y = top + height * (1 - (high > low ? (t.at - low) / (high - low) : 0.5));
      ctx.fillText(t.text, left + 15 * ratio, clamp(y, top + 5 * ratio, top + height - 5 * ratio));
    }
    ctx.translate(left + (panel.barWidth - 22) * ratio, top + height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(label, 0, 0);
    ctx.restore();
  }

  // ---- What is under the cursor ----

  // Returns { head, rows } for a place in the plotting area; `top` is negative where only x is known.
  function probe(panel, left, top) {
    const { u } = panel;
    const here = u.posToVal(left, "x");
    const px = (v) => u.valToPos(v, "x");
    const py = (l, v) => u.valToPos(v, l.axis);
    const onAxis = (a, v, digits) => a.ticks?.find((t) => t.at === v)?.text || withUnit(num(v, digits), a.unit);
    const value = (l, v) => (known(v) ? withUnit(num(v), panel[l.axis].unit) : "no value");
    const span = (l, k) => `${num(l.low[k], 4)} … ${withUnit(num(l.high[k], 4), panel[l.axis].unit)}`;
    // The cursor's own place, with as many decimals as pixels tell apart.
    const place = (key, at) => {
      const v = u.posToVal(at, key);
      return Number(v.toFixed(clamp(Math.ceil(-Math.log10(Math.abs(u.posToVal(at + 1, key) - v) || 1)), 0, 15)));
    };
    const rows = [];
    let [head, nearest, best] = [null, Infinity, null];
    for (const l of panel.layers) {
      if (!isShown(l) || l.line) continue;
      if (l.sorted && l.x.length > 0) {
        if (left < px(l.x[0]) - 10 || left > px(l.x.at(-1)) + 10) continue;
        let k = lower(l.x, here);
        if (k > 0 && (l.steps ? l.x[k] !== here : !(px(l.x[k]) - left <= left - px(l.x[k - 1])))) k--;
        const at = l.steps ? Math.max(here, l.x[0]) : l.x[k];
        if (!l.steps && Math.abs(px(at) - left) < nearest) [nearest, head] = [Math.abs(px(at) - left), at];
        const row = { l, at: l.steps ? null : at, value: value(l, l.y[k]) };
        if (l.kind === "band") row.value = known(l.low[k], l.high[k]) ? span(l, k) : "no value";
        else if (known(l.y[k])) row.mark = [px(at), py(l, l.y[k])];
        if (l.band && known(l.band.low[k], l.band.high[k])) row.note = `(${span(l.band, k)})`;
        rows.push(row);
      } else if (l.kind === "bars") {
        const k = lower(l.edges, here) - (l.edges[lower(l.edges, here)] === here ? 0 : 1);
        if (k < 0 || k >= l.y.length) continue;
        const [a, b] = [l.edges[k], l.edges[k + 1]];
        const category = list(panel.x.ticks).filter((t) => t.at >= a && t.at <= b);
        head ??= category.length === 1 ? category[0].text : `${num(a, 8)} … ${withUnit(num(b, 8), panel.x.unit)}`;
        rows.push({ l, value: value(l, l.y[k]) });
      } else if (l.kind === "image" && l.values && top >= 0) {
        const fx = (left - px(l.x[0])) / (px(l.x[1]) - px(l.x[0]));
        const fy = (top - py(l, l.y[0])) / (py(l, l.y[1]) - py(l, l.y[0]));
        if (!(fx >= 0 && fx < 1 && fy >= 0 && fy < 1)) continue;
        const [row, column] = [Math.floor(fy * l.values.rows), Math.floor(fx * l.values.columns)];
        const v = l.values.data[row * l.values.columns + column];
        const { name, unit } = named(l.label);
        const note = `row ${row}, column ${column}`;
        rows.push({ l, name, value: known(v) ? withUnit(num(v), unit) : "no value", note });
      } else if (top >= 0 && ["raster", "points", "line"].includes(l.kind)) {
        // Of single events and points, and of curves that are no functions of x: the nearest of all.
        const reach = l.kind === "raster" ? 14 : 22;
        const tall = l.kind === "raster" ? Math.min(8, 0.35 * Math.abs(py(l, 1) - py(l, 0))) : 0;
        for (let k = l.kind === "line" ? 0 : lower(l.x, u.posToVal(left - reach, "x")); k < l.x.length; k++) {
          const [x, y] = [px(l.x[k]), py(l, l.y[k])];
          if (l.kind !== "line" && x > left + reach) break;
          const d = Math.hypot(x - left, Math.max(0, Math.abs(y - top) - tall));
          if (d <= reach && d < (best?.d ?? Infinity)) best = { d, l, k, x, y };
        }
      }
    }
    if (best) {
      const { l, k } = best;
      const row = { l, at: l.x[k], mark: [best.x, best.y], name: l.names?.[k], value: value(l, l.y[k]) };
      if (l.kind === "raster") row.value = `${panel.y.name || "row"} ${onAxis(panel.y, l.y[k])}`;
      if (known(l.error?.[k])) row.value = `${num(l.y[k])} ± ${withUnit(num(l.error[k], 4), panel[l.axis].unit)}`;
      head ??= l.x[k];
      rows.push(row);
    }
    for (const r of rows) {
      const elsewhere = r.at != null && typeof head === "number" && r.at !== head;
      if (elsewhere) r.note = `${text(r.note)} at ${onAxis(panel.x, r.at, 8)}`;
    }
    if (rows.length === 0 && top >= 0) {
      rows.push({ name: panel.y.name, value: withUnit(num(place("y", top)), panel.y.unit) });
    }
    head ??= place("x", left);
    return { head: typeof head === "string" ? head : `${panel.x.name} ${onAxis(panel.x, head, 8)}`, rows };
  }

  function swatch(l) {
    const form = l.kind === "line" ? "" : l.kind === "raster" || l.kind === "points" ? " dot" : " block";
    const node = el("span", { class: `swatch${form}` });
    node.style[form ? "backgroundColor" : "borderTopColor"] = l.kind === "image" ? theme.faint : shade(l.color);
    if (l.dash?.length) node.style.borderTopStyle = "dashed";
    if (l.kind === "band") node.style.opacity = 0.35;
    return node;
  }

  function hover(panel) {
    const { u, tip, marks } = panel;
    const { left, top } = u.cursor;
    const { offsetLeft, offsetTop, clientWidth, clientHeight } = u.over;
    const found = left >= 0 && left <= clientWidth ? probe(panel, left, top) : { rows: [] };
    const marked = found.rows.filter((r) => r.mark && r.mark[1] >= 0 && r.mark[1] <= clientHeight);
    marks.replaceChildren(...marked.map((r) => {
      const mark = el("span", { class: "mark" });
      mark.style.backgroundColor = shade(r.l.color);
      mark.style.transform = `translate(${r.mark[0]}px, ${r.mark[1]}px)`;
      return mark;
    }));
    tip.hidden = found.rows.length === 0;
    if (tip.hidden) return;
    tip.replaceChildren(el("p", {}, found.head), el("div", {}, found.rows.slice(0, 16).map((r) => [
      r.l ? swatch(r.l) : el("span"), el("span", {}, r.name || (r.l ? r.l.label || panel[r.l.axis].name : "")),
      el("b", {}, r.value, r.note ? el("i", {}, ` ${r.note}`) : null),
    ])), found.rows.length > 16 ? el("p", {}, `and ${found.rows.length - 16} more`) : "");
    const [width, room] = [tip.offsetWidth, panel.plot.clientWidth];
    const beyond = offsetLeft + left + 16 + width > room + 8;
    const x = beyond ? Math.max(Math.min(0, room - width), offsetLeft + left - 16 - width) : offsetLeft + left + 16;
    const y = offsetTop + (top >= 0 ? clamp(top - 12, 0, Math.max(0, clientHeight - tip.offsetHeight)) : 4);
    tip.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  // ---- Panels ----

  const pen = document.createElement("canvas").getContext("2d");
  function textWidth(texts, size) {
    pen.font = `${size}px ${SANS}`;
    return Math.ceil(Math.max(0, ...texts.map((t) => pen.measureText(t).width)));
  }

  function axisOptions(panel, key) {
    const [a, flat, { sizes, figure }] = [panel[key], key === "x", panel];
    const hidden = flat && panel.bare;
    const length = (u) => (flat ? u.bbox.width : u.bbox.height) / (devicePixelRatio || 1);
    let texts = [];
    const splits = (u, _, min, max) => {
      let ticks = a.ticks?.filter((t) => t.at >= min && t.at <= max);
      const count = Math.max(2, Math.floor(length(u) / (flat ? 84 : 36)));
      // What is counted has no parts.
      ticks ||= (a.log ? logTicks : linearTicks)(min, max, count, a.label === "index");
      const stride = a.ticks && !flat ? Math.ceil((ticks.length * 13) / Math.max(length(u), 13)) : 1;
      ticks = ticks.filter((_, k) => k % stride === 0);
      texts = ticks.map((t) => (hidden ? "" : t.text.length > 22 ? `${t.text.slice(0, 21)}…` : t.text));
      return ticks.map((t) => t.at);
    };
    const rotate = (u) => (flat && a.ticks && textWidth(texts, 12) + 8 > length(u) / texts.length ? 45 : 0);
    const size = (u) => {
      const width = textWidth(texts, 12);
      if (a.none || hidden) return a.none ? 0 : 6;
      if (flat) return rotate(u) ? Math.ceil(width * 0.71) + 22 : 26;
      sizes[key] = width + 14;
      if (key === "right") sizes.right += a.label ? 20 : 0;
      return key === "right" ? width + 14 : panel.aspect ? sizes.y : Math.max(sizes.y, figure.left - (a.label ? 20 : 0));
    };
    const look = (show, color) => ({ show, stroke: () => theme[color], width: 1, size: 4 });
    return {
      scale: key, side: flat ? 2 : key === "y" ? 3 : 1, stroke: () => theme.muted, font: `12px ${SANS}`, gap: 4,
      label: hidden || !a.label ? undefined : a.label, labelSize: 20, labelGap: 2, labelFont: `12px ${SANS}`,
      // uPlot asks for increments before it asks for ticks, and draws no axis if none suits it.
      incrs: (_, k, min, max) => [Math.max(5, max - min)], space: 1,
      splits, values: () => texts, filter: (_, s) => s, rotate, size,
      grid: look(key !== "right" && !a.none && !panel.image, "grid"),
      ticks: look(!a.none, "axis"), border: look(!a.none, "axis"),
    };
  }

  function makePanel(figure, raw) {
    const panel = { figure, title: text(raw.title), view: {}, sizes: { y: 40, right: 0 } };
    [panel.x, panel.y, panel.right] = [raw.x, raw.y, raw.right].map((a, k) => (k < 2 || a ? axis(record(a)) : null));
    panel.aspect = raw.aspect > 0 ? raw.aspect : null;
    panel.layers = layersOf(raw.layers, panel.right);
    panel.image = panel.layers.some((l) => l.kind === "image");
    panel.bars = barsOf(panel.layers);
    const ticks = panel.bars.flatMap((b) => b.ticks.map((t) => t.text));
    panel.barWidth = ticks.length ? 32 + textWidth(ticks, 11) + (panel.bars.some((b) => b.label) ? 18 : 0) : 0;
    panel.link = panel.x.label ? `${panel.x.label} ${panel.x.log}` : null;
    const about = [panel.title || figure.title, `${panel.y.label} over ${panel.x.label}`, text(raw.caption)];
    panel.plot = el("div", { class: "plot", role: "img", "aria-label": about.join(". ") });
    panel.tip = el("div", { class: "tip", hidden: true });
    panel.marks = el("div");
    const again = { class: "plain again", type: "button", hidden: true, click: () => reset(panel) };
    panel.again = el("button", again, "Reset zoom");
    panel.keys = el("div", { class: "keys" });
    keysOf(panel);
    const headed = panel.title || panel.keys.childElementCount > 0;
    const head = headed && el("div", { class: "head" }, panel.title && el("h4", {}, panel.title), panel.keys);
    const caption = raw.caption ? el("p", { class: "caption" }, text(raw.caption)) : null;
    panel.node = el("div", { class: "panel" }, head, panel.again, panel.plot, caption);
    return panel;
  }

  function keysOf(panel) {
    const keyed = panel.layers.filter((l) => l.keyed);
    const toggle = (l, only) => {
      const alone = keyed.every((other) => other.shown === (other === l));
      if (only) for (const other of keyed) other.shown = alone || other === l;
      else l.shown = !l.shown;
      keysOf(panel);
      panel.u.redraw(false, false);
    };
    panel.keys.replaceChildren(...keyed.map((l) => el("button", {
      class: "key", type: "button", "aria-pressed": String(l.shown), click: (event) => toggle(l, event.shiftKey),
      title: "Click to hide or show; shift-click to show only this one",
    }, swatch(l), l.label)));
  }

  function mount(panel) {
    const { figure } = panel;
    const keys = ["x", "y", "right"].filter((key) => panel[key]);
    const scales = {};
    for (const key of keys) {
      const [min, max] = panel.view[key] || panel[key].range;
      const distr = panel[key].log ? 3 : 1;
      scales[key] = { time: false, auto: false, min, max, distr, range: (_, lo, hi) => [lo, hi] };
    }
    const spare = () => (panel.aspect ? panel.barWidth : Math.max(panel.barWidth, figure.right - panel.sizes.right));
    const bare = panel.x.none && panel.y.none;
    const padding = bare ? [2, spare, 0, 0] : [8, () => Math.max(spare(), 24), panel.bare ? 0 : 2, 4];
    const inert = { paths: () => null, points: { show: false } };
    panel.u = new uPlot({
      width: 400, height: 200, scales, padding,
      axes: keys.map((key) => axisOptions(panel, key)),
      series: [{}, ...keys.slice(1).map((scale) => ({ scale, ...inert }))],
      legend: { show: false },
      cursor: {
        points: { show: false }, drag: { x: true, y: false, uni: 20, dist: 5, setScale: false },
        bind: {
          mousedown: (u, _, handle) => (event) => {
            u.cursor.drag.y = event.shiftKey || figure.both;
            if (event.button === 0) handle(event);
          },
          dblclick: () => () => reset(panel),
        },
      },
      hooks: {
        draw: [(u) => drawPanel(panel, u)], setScale: [() => alignSoon(figure)],
        setSelect: [(u) => selected(panel, u)], setCursor: [() => moved(panel)],
      },
    }, [panel.x.range, ...keys.slice(1).map(() => [null, null])], panel.plot);
    panel.u.over.append(panel.marks);
    panel.u.over.addEventListener("mouseenter", () => (figure.active = panel));
    panel.u.over.addEventListener("mouseleave", () => (figure.active = null));
    panel.u.over.addEventListener("wheel", (event) => wheel(panel, event), { passive: false });
    panel.plot.append(panel.tip);
    panel.again.hidden = Object.keys(panel.view).length === 0;
  }

  // The panels that zoom and hover together: those of a figure whose x axes have the same label.
  const linked = (panel) => (panel.link ? panel.figure.panels.filter((p) => p.link === panel.link) : [panel]);

  function moved(panel) {
    if (!panel.u) return;
    hover(panel);
    if (panel.figure.active !== panel) return;
    const at = panel.u.cursor.left < 0 ? null : panel.u.posToVal(panel.u.cursor.left, "x");
    for (const p of linked(panel)) {
      if (p !== panel) p.u.setCursor({ left: at == null ? -10 : p.u.valToPos(at, "x"), top: -10 });
    }
  }

  // Shows parts of the axes ({ x: [lo, hi], y: …, right: … }) or, where a part is null, all of it.
  function zoom(panel, parts) {
    for (const p of linked(panel)) {
      p.u.batch(() => {
        for (const [key, part] of Object.entries(parts)) {
          if (!p[key] || (p !== panel && key !== "x")) continue;
          const [lo, hi] = part || p[key].range;
          // Doubles, and uPlot, tell no finer parts apart.
          const least = Math.max(1e-11 * Math.max(Math.abs(lo), Math.abs(hi)), 1e-15);
          if (!(hi - lo > least) || (p[key].log && !(lo > 0))) continue;
          if (part) p.view[key] = [lo, hi];
          else delete p.view[key];
          p.u.setScale(key, { min: lo, max: hi });
        }
      });
      p.again.hidden = Object.keys(p.view).length === 0;
    }
  }

  const reset = (panel) => zoom(panel, { x: null, y: null, right: null });

  function selected(panel, u) {
    const { left, top, width, height } = u.select;
    const tall = height > 0 && height < u.over.clientHeight - 0.5;
    const parts = {};
    const part = (key, ends) => (parts[key] = ends.map((v) => u.posToVal(v, key)));
    if (width > 0 && (width < u.over.clientWidth - 0.5 || !tall)) part("x", [left, left + width]);
    if (tall) for (const key of ["y", "right"]) if (panel[key]) part(key, [top + height, top]);
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    zoom(panel, parts);
  }

  // With Ctrl (or a pinch) the wheel zooms; sideways it moves what is zoomed.
  function wheel(panel, event) {
    const pan = !event.ctrlKey && panel.view.x && Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!event.ctrlKey && !pan) return;
    event.preventDefault();
    const { u, x: { range: [lo, hi] } } = panel;
    const { left, width } = u.over.getBoundingClientRect();
    const shift = pan ? clamp(event.deltaX, u.valToPos(lo, "x"), u.valToPos(hi, "x") - width) : 0;
    const [factor, at] = [pan ? 1 : Math.exp(clamp(event.deltaY, -100, 100) * 0.004), event.clientX - left];
    const [a, b] = [at - at * factor + shift, at + (width - at) * factor + shift].map((v) => u.posToVal(v, "x"));
    zoom(panel, { x: a <= lo && b >= hi ? null : [Math.max(lo, a), Math.min(hi, b)] });
  }

  // ---- Figures ----

  const figures = new Map();
  const home = el("div");
  let files = [];
  let printing = false;

  // Aligns the plotting areas of a figure's panels, once their axes are known.
  function align(figure) {
    const panels = figure.panels.filter((p) => !p.aspect);
    // An axis is as wide as all of them; what has no label has its room in its ticks.
    const left = Math.max(0, ...panels.map((p) => p.sizes.y + (p.y.label ? 20 : 0)));
    const right = Math.max(0, ...panels.map((p) => p.sizes.right + p.barWidth));
    if (left === figure.left && right === figure.right) return;
    [figure.left, figure.right] = [left, right];
    for (const p of figure.panels) p.u.batch(() => p.u.redraw(false, true));
  }

  function alignSoon(figure) {
    if (figure.waiting) return;
    figure.waiting = true;
    queueMicrotask(() => {
      figure.waiting = false;
      if (figure.panels.every((p) => p.u)) align(figure);
    });
  }

  function layout(figure) {
    const width = printing ? 680 : page.clientWidth - parseFloat(getComputedStyle(page).paddingLeft) * 2;
    const { panels, grid } = figure;
    const tiny = panels.every((p) => p.x.none && p.y.none);
    const [gap, least] = tiny ? [12, 72] : [28, 270];
    const columns = clamp(Math.floor((width + gap) / (least + gap)), 1, figure.columns);
    const column = Math.floor((width - gap * (columns - 1)) / columns);
    const alone = panels.length > 4 ? 120 : panels.length > 1 ? 180 : 320;
    const usual = columns > 1 ? clamp(column * 0.56, 150, 280) : alone;
    grid.className = `panels${tiny ? " tiles" : figure.columns === 1 ? " stacked" : ""}`;
    grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    for (let pass = 0; pass < 2; pass++) {
      for (const { u, y, aspect } of panels) {
        const [aside, above] = [u.width - u.over.clientWidth, u.height - u.over.clientHeight];
        const inner = aspect ? Math.max(20, Math.min(column - aside, 440 * aspect)) : column - aside;
        const tall = Math.max(width < 500 ? Math.min(usual, 220) : usual, Math.min(560, list(y.ticks).length * 15));
        const height = Math.round((aspect ? inner / aspect : tall) + above);
        u.batch(() => u.setSize({ width: Math.round(inner + aside), height }));
      }
      align(figure);
    }
  }

  async function showFigure(raw) {
    const [name, old] = [text(raw.name), figures.get(text(raw.name))];
    const figure = { name, title: text(raw.title) || name, left: 0, right: 0, both: old?.both || false };
    figure.columns = Math.max(1, Math.floor(raw.columns) || 1);
    const panels = (figure.panels = list(raw.panels).map((p) => makePanel(figure, record(p))));
    await Promise.all(panels.flatMap((p) => p.layers.filter((l) => l.href).map(loadImage)));
    panels.forEach((p, k) => {
      // Of panels that share an axis of x, one above the other, only the last has its labels.
      const below = panels[k + 1];
      p.bare = figure.columns === 1 && below && p.link && p.link === below.link && !p.aspect && !below.aspect
        && !p.x.ticks && String(p.x.range) === String(below.x.range);
    });
    // A figure that takes the place of one with the same panels keeps its zoom and what is hidden.
    const same = (p, q) => q && ["title", "x", "y"].every((k) => (p[k].label ?? p[k]) === (q[k].label ?? q[k]));
    if (old?.panels.length === panels.length && panels.every((p, k) => same(p, old.panels[k]))) {
      panels.forEach((p, k) => {
        p.view = old.panels[k].view;
        p.layers.forEach((l, j) => {
          const before = old.panels[k].layers[j];
          l.shown = before?.label === l.label ? before.shown : true;
        });
        keysOf(p);
      });
    }
    figure.grid = el("div", {}, panels.map((p) => p.node));
    figure.links = el("span", { class: "tools" });
    const both = el("input", { type: "checkbox", checked: figure.both });
    both.addEventListener("change", () => (figure.both = both.checked));
    const choice = panels.length > 0 && el("label", { class: "hint" }, both, " Zoom both axes");
    const header = el("header", {}, el("h3", {}, figure.title), el("div", { class: "tools" }, choice, figure.links));
    const body = panels.length ? figure.grid : el("p", { class: "muted" }, "This figure has no panels.");
    figure.node = el("figure", { class: "figure", id: `figure-${name}` }, header, body);
    panels.forEach(mount);
    if (old) old.node.replaceWith(figure.node);
    else home.append(figure.node);
    for (const p of old?.panels || []) p.u.destroy();
    figures.set(name, figure);
    linkFigure(figure);
    layout(figure);
  }

  function linkFigure({ name, links }) {
    const found = ["svg", "png", "pdf"].filter((e) => files.includes(`${name}.${e}`) && beside(name));
    const link = (e) => el("a", { href: beside(`${name}.${e}`), download: true }, e.toUpperCase());
    links.replaceChildren(...found.map(link));
  }

  // For tests: what a panel shows.
  function panelInfo(figureName, panelIndex) {
    const panel = figures.get(figureName)?.panels[panelIndex];
    if (!panel) return null;
    const of = (f) => panel.layers.map(f);
    const scale = ([key, s]) => [key, { min: s.min, max: s.max, log: s.distr === 3 }];
    const scales = Object.fromEntries(Object.entries(panel.u.scales).map(scale));
    return { scales, labels: of((l) => l.label), points: of((l) => l.count), shown: of(isShown) };
  }

  function redrawAll() {
    readTheme();
    for (const { panels } of figures.values()) {
      for (const p of panels) {
        keysOf(p);
        p.u.redraw(false, false);
      }
    }
  }

  function layoutAll(print = printing) {
    printing = print;
    for (const figure of figures.values()) layout(figure);
  }

  function linkAll(names) {
    files = names;
    for (const figure of figures.values()) linkFigure(figure);
  }

  readTheme();
  const charts = () => [...figures.values()].flatMap((f) => f.panels.map((p) => p.u));
  return { home, figures, show: showFigure, redrawAll, layoutAll, linkAll, charts, panelInfo };
};
