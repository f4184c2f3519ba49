//! Figures: what the SVG shows is what the data hold, and the PNG shows no more.

use crate::support::{program, run, try_program};
use neuro::draw::{self, Layer, Scene, View};
use neuro::experiment::Outcome;
use neuro::report::Spooled;
use roxmltree::{Document, Node};

/// A population that is driven, one that is silent, and a cell whose voltage is known.
const CELLS: &str = "
neuron Noisy { event input exc: mV  state v = 0 mV  v' = -v / 10 ms + exc  emit spike when v > 5 mV { v = 0 mV } }
neuron Silent { state v = 0 mV  v' = -v / 10 ms  emit spike when v > 5 mV { v = 0 mV } }
neuron Ramp { state v = -70 mV  v' = 1 mV / ms  emit spike when v > -50 mV { v = -70 mV } }
network Net(n: int = 40) {
    population noisy: Noisy[n]
    population silent: Silent[10]
    population ramp: Ramp[3]
    init ramp.v = -70 mV + 5 mV * i
    drive noisy.exc { poisson 900 Hz  weight 1 mV }
}
";

fn outcome(body: &str) -> Outcome {
    run(&format!("{CELLS}\nexperiment e {{\n dt 0.1 ms\n network net = Net()\n{body}\n}}\n"))
}

#[track_caller]
fn scene(o: &Outcome, k: usize) -> Scene {
    draw::scene(&o.figures[k], &Spooled(&o.recordings)).unwrap()
}

/// The only panel of the only figure.
#[track_caller]
fn panel(body: &str) -> (View, String) {
    let o = outcome(body);
    let scene = scene(&o, 0);
    assert_eq!((o.figures.len(), scene.panels.len()), (1, 1));
    let svg = draw::svg(&scene);
    (scene.panels.into_iter().next().unwrap(), svg)
}

fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|n| n.has_tag_name("text"));
    texts.map(|n| n.text().unwrap_or_default().to_string()).collect()
}

fn of_class<'a>(d: &'a Document, class: &str) -> Vec<Node<'a, 'a>> {
    d.descendants().filter(|n| n.attribute("class") == Some(class)).collect()
}

/// Plotting areas as left, top, right, bottom.
fn areas(d: &Document) -> Vec<[f64; 4]> {
    let of = |n: &Node, name: &str| n.attribute(name).unwrap().parse::<f64>().unwrap();
    let clips = d.descendants().filter(|n| n.has_tag_name("clipPath")).map(|n| n.first_element_child().unwrap());
    clips.map(|r| [of(&r, "x"), of(&r, "y"), of(&r, "x") + of(&r, "width"), of(&r, "y") + of(&r, "height")]).collect()
}

/// The points of a path of `M`, `L`, `h` and `v`.
fn points(path: &str) -> Vec<(f64, f64)> {
    let moves = path.split(['M', 'L']).filter(|p| !p.is_empty());
    moves
        .map(|p| {
            let (x, y) = p.split_once(' ').unwrap();
            let end = y.find(|c: char| c.is_alphabetic()).unwrap_or(y.len());
            (x.parse().unwrap(), y[..end].parse().unwrap())
        })
        .collect()
}

/// Pixels of a PNG: width, height, RGB.
fn pixels(png: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(png).read_info().unwrap();
    let mut out = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut out).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (info.width as usize, info.height as usize, out)
}

/// Whether a pixel has the blue of the first series.
fn is_blue(p: &[u8]) -> bool {
    p[2] > p[0].saturating_add(60)
}

#[test]
fn a_line_has_no_spike_that_no_value_has_and_stays_within_its_axes() {
    // Sharp turns, and values beyond the axis.
    let (view, svg) =
        panel("plot \"zigzag\" [0, 1, 0, 1, 0, 1, 0, 9, 0, 1, 0, 1, 0, 1, 0, 1, 0] as lines with y 0 .. 2");
    let document = Document::parse(&svg).unwrap();
    let [left, top, right, bottom] = areas(&document)[0];
    assert_eq!(view.y.range, [0.0, 2.0]);
    let line = of_class(&document, "line")[0];
    assert_eq!(line.parent().unwrap().attribute("stroke-linejoin"), Some("round"));
    assert_eq!(line.parent().unwrap().attribute("clip-path"), Some("url(#area0)"));
    let (wide, high, data) = pixels(&draw::png(&svg).unwrap());
    assert_eq!((wide % 2, high % 2), (0, 0), "two pixels for each of the SVG's");
    let one = bottom - (bottom - top) / 2.0;
    for (k, _) in data.chunks(3).enumerate().filter(|(_, p)| is_blue(p)) {
        let (x, y) = ((k % wide) as f64 / 2.0, (k / wide) as f64 / 2.0);
        assert!(x >= left - 1.0 && x <= right + 1.0 && y >= top - 1.0 && y <= bottom + 1.0, "ink outside at {x} {y}");
        // Only the value of 9 is above one, half of the line's width aside.
        let of_nine = (x - (left + right) / 2.0).abs() < (right - left) / 8.0;
        assert!(of_nine || y > one - 1.5, "ink above one at {x} {y}: {left} {right}");
    }
}

#[test]
fn text_is_in_the_embedded_font_and_pdf_holds_it_as_text() {
    let (_, svg) = panel("plot \"Title\" [1, 2, 3]");
    assert!(svg.contains("@font-face { font-family: Inter; src: url(data:font/woff2;base64,"));
    assert!(svg.contains("font-family=\"Inter,"));
    let pdf = draw::pdf(&svg).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 3000);
    let has = |what: &str| pdf.windows(what.len()).any(|w| w == what.as_bytes());
    assert!(has("/FontFile2") || has("/FontFile3"), "the font is embedded");
}

#[test]
fn every_event_has_a_mark() {
    let o = outcome("record net.noisy.spike  run 300 ms  plot net.noisy.spike");
    let scene = scene(&o, 0);
    let n = o.recordings[0].records() as usize;
    assert!(n > 500, "{n}");
    let svg = draw::svg(&scene);
    let document = Document::parse(&svg).unwrap();
    let marks = points(of_class(&document, "raster")[0].attribute("d").unwrap());
    assert_eq!(marks.len(), n);
    let [left, top, right, bottom] = areas(&document)[0];
    assert!(marks.iter().all(|(x, y)| (left..=right).contains(x) && (top - 8.0..=bottom).contains(y)));
    assert_eq!(
        scene.panels[0].caption,
        format!("{n}\u{a0}events of 40\u{a0}cells").replace(&n.to_string(), &grouped(n))
    );
    // Rates are those of the data: all 40 rows have marks.
    let rows: std::collections::BTreeSet<i64> = marks.iter().map(|(_, y)| (y * 10.0) as i64).collect();
    assert_eq!(rows.len(), 40);
}

fn grouped(n: usize) -> String {
    if n < 1000 { n.to_string() } else { format!("{}\u{a0}{:03}", n / 1000, n % 1000) }
}

#[test]
fn many_events_are_a_density_in_which_none_is_missing() {
    let o = outcome("record net.noisy.spike  run 200 ms  plot net.noisy.spike as density");
    let view = &scene(&o, 0).panels[0];
    assert!(view.caption.ends_with("darker where there are more"), "{}", view.caption);
    let [Layer::Image { href, x, y, .. }] = view.layers.as_slice() else { panic!("{:?}", view.layers) };
    assert_eq!((*x, *y), ([0.0, 200.0], [-0.5, 39.5]));
    // Each event lies in a pixel that is not clear, and no other pixel is dark.
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&href["data:image/png;base64,".len()..]).unwrap();
    let mut reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
    let (columns, rows) = (reader.info().width as usize, reader.info().height as usize);
    let mut data = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut data).unwrap();
    let mut expected = vec![false; columns * rows];
    let events = o.recordings[0].events(None).unwrap();
    for (t, c) in events.times.iter().zip(&events.cells) {
        let column = ((t / 200.0 * columns as f64) as usize).min(columns - 1);
        expected[(rows - 1 - *c as usize * rows / 40) * columns + column] = true;
    }
    assert_eq!(rows, 40);
    assert!(data.iter().zip(&expected).all(|(d, e)| (*d > 0) == *e));
}

#[test]
fn whole_cells_are_drawn_at_random_and_the_caption_says_so() {
    let body = "record net.noisy.spike  run 200 ms  plot net.noisy.spike as cells(5)";
    let o = outcome(body);
    let view = &scene(&o, 0).panels[0];
    assert!(view.caption.contains("5\u{a0}cells drawn at random, with all their"), "{}", view.caption);
    let [Layer::Raster { y, .. }] = view.layers.as_slice() else { panic!() };
    let events = o.recordings[0].events(None).unwrap();
    let mut counts: Vec<usize> = (0..40).map(|c| events.cells.iter().filter(|e| **e == c).count()).collect();
    counts.sort_unstable();
    for row in 0..5 {
        let n = y.iter().filter(|y| **y == f64::from(row)).count();
        assert!(counts.contains(&n), "row {row} has the events of no cell: {n}");
    }
}

#[test]
fn a_silent_raster_shows_the_time_of_the_run() {
    let (view, svg) = panel("record net.silent.spike  run 80 ms  plot net.silent.spike");
    assert_eq!((view.x.range, view.y.range), ([0.0, 80.0], [-0.5, 9.5]));
    assert_eq!(view.caption, "0\u{a0}events of 10\u{a0}cells");
    assert!(texts(&svg).iter().any(|t| t == "80"));
}

#[test]
fn axes_span_what_was_recorded_and_figures_show_what_there_was_when_they_were_plotted() {
    let body = "run 20 ms  record net.ramp.v  run 30 ms  plot net.ramp.v  run 50 ms  plot net.ramp.v";
    let o = outcome(body);
    let (first, second) = (scene(&o, 0), scene(&o, 1));
    assert_eq!(first.panels[0].x.range, [20.0, 50.0]);
    assert_eq!(second.panels[0].x.range, [20.0, 100.0]);
    assert_eq!((first.name.as_str(), second.name.as_str()), ("net.ramp.v", "net.ramp.v_2"));
}

#[test]
fn series_share_a_label_and_are_told_apart() {
    let (view, svg) =
        panel("record net.ramp[0].v as low  record net.ramp[2].v as high\n run 10 ms  plot \"two\" low, high");
    assert_eq!((view.y.label.as_str(), view.x.label.as_str()), ("voltage (mV)", "time (ms)"));
    let texts = texts(&svg);
    assert!(["low", "high", "voltage (mV)", "two"].iter().all(|t| texts.iter().any(|s| s == t)), "{texts:?}");
    let o = outcome("record (net.noisy.spike, net.silent.spike)  run 10 ms  plot net.noisy.spike, net.silent.spike");
    let scene = scene(&o, 0);
    let names: Vec<&str> = scene.panels[0].y.ticks.as_ref().unwrap().iter().map(|t| t.text.as_str()).collect();
    assert_eq!(names, ["noisy", "silent"]);
    // The first stands on top.
    let ticks = scene.panels[0].y.ticks.as_ref().unwrap();
    assert_eq!((ticks[0].at, ticks[1].at), (29.5, 4.5));
}

#[test]
fn given_labels_are_those_of_the_legend() {
    let (_, svg) = panel("plot [1, 2], [2, 1] labelled \"up & <b>\", \"down\"");
    assert!(texts(&svg).contains(&"up & <b>".to_string()) && texts(&svg).contains(&"down".to_string()));
}

#[test]
fn one_unit_is_shared_and_two_have_an_axis_each() {
    let (view, _) = panel("let a = [1 mV, 2 mV]  let b = [0.001 V, 0.004 V]  plot a, b");
    assert_eq!(view.y.label, "voltage (mV)");
    assert!(view.right.is_none() && view.y.range[1] > 4.0);
    let (view, svg) = panel("let a = [1 mV, 2 mV]  let b = [100 pA, 200 pA]  plot a, b");
    let right = view.right.unwrap();
    assert_eq!((view.y.label.as_str(), right.label.as_str()), ("a (mV)", "b (pA)"));
    assert!(right.range[0] > 50.0 && view.y.range[1] < 3.0);
    assert!(texts(&svg).contains(&"b (pA)".to_string()));
}

#[test]
fn small_numbers_get_a_prefix() {
    let (view, svg) = panel("let c = [1e-12 A, 3e-12 A, 2e-12 A]  plot c");
    assert_eq!(view.y.label, "c (pA)");
    assert!(texts(&svg).contains(&"2.0".to_string()) || texts(&svg).contains(&"2".to_string()), "{:?}", texts(&svg));
    let (view, _) = panel("let x = [1e-9, 3e-9]  plot x");
    assert_eq!((view.y.label.as_str(), view.y.label_with(view.y.ticks(8).1)), ("x", "x (10⁻⁹)".into()));
    let (view, _) = panel("record net.ramp[0].v every 100 ms as v  run 20 s  plot v");
    assert_eq!((view.x.label.as_str(), view.x.range), ("time (s)", [0.0, 20.0]));
}

#[test]
fn what_is_not_finite_interrupts_a_line() {
    let (view, svg) = panel("let x = [1, 2, 0, 1, 3, 4]  plot log(x - 1 + 0 * x) as lines");
    let Layer::Line { y, .. } = view.layers.iter().find(|l| matches!(l, Layer::Line { .. })).unwrap() else { panic!() };
    assert_eq!(y.iter().map(|v| v.is_finite()).collect::<Vec<_>>(), [false, true, false, false, true, true]);
    let document = Document::parse(&svg).unwrap();
    let line = of_class(&document, "line")[0].attribute("d").unwrap();
    assert_eq!((line.matches('M').count(), line.matches('L').count()), (2, 1), "{line}");
}

#[test]
fn zero_has_a_line_and_can_be_asked_for() {
    let rules = |view: &View| view.layers.iter().filter(|l| matches!(l, Layer::Rule { at: 0.0, .. })).count();
    let (view, svg) = panel("plot [-1, 2]");
    assert_eq!(rules(&view), 1);
    assert_eq!(of_class(&Document::parse(&svg).unwrap(), "rule").len(), 1);
    let (view, _) = panel("plot [5, 6]");
    assert!(rules(&view) == 0 && view.y.range[0] > 4.0);
    let (view, _) = panel("plot [5, 6] with zero");
    assert!(view.y.range[0] <= 0.0);
}

#[test]
fn a_curve_that_lies_on_another_is_dashed() {
    let (view, _) = panel("plot [1, 2, 3, 4], [1, 2, 3, 4], [4, 3, 2, 1]");
    let dashes: Vec<bool> = view
        .layers
        .iter()
        .filter_map(|l| if let Layer::Line { dash, .. } = l { Some(dash.is_some()) } else { None })
        .collect();
    assert_eq!(dashes, [false, true, false]);
}

#[test]
fn axes_may_be_logarithmic() {
    let (view, svg) =
        panel("let f = [1 Hz, 10 Hz, 100 Hz, 1000 Hz]  let g = [1, 0, 100, 10]  plot g against f with log x, log y");
    assert!(view.x.log && view.y.log);
    assert!((view.x.place(10.0) - view.x.place(1.0) - (view.x.place(100.0) - view.x.place(10.0))).abs() < 1e-9);
    assert_eq!(view.caption, "1\u{a0}value not above zero on the logarithmic ordinate");
    let Some(Layer::Line { y, .. }) = view.layers.first() else { panic!("{:?}", view.layers) };
    assert_eq!(y.iter().map(|v| v.is_finite()).collect::<Vec<_>>(), [true, false, true, true]);
    assert!(["10", "100", "1000"].iter().all(|t| texts(&svg).contains(&t.to_string())), "{:?}", texts(&svg));
}

#[test]
fn errors_are_bands_of_lines_and_whiskers_of_points() {
    let (view, _) = panel("let m = [1 mV, 2 mV]  let s = [0.1 mV, 0.5 mV]  plot m with error s");
    let Some(Layer::Band { low, high, .. }) = view.layers.first() else { panic!("{:?}", view.layers) };
    assert_eq!((low.as_slice(), high.as_slice()), ([0.9, 1.5].as_slice(), [1.1, 2.5].as_slice()));
    assert!(view.y.range[1] > 2.5);
    let (_, svg) = panel("let m = [1 mV, 2 mV]  let s = [0.1 mV, 0.5 mV]  plot m as points with error s");
    assert_eq!(of_class(&Document::parse(&svg).unwrap(), "whiskers").len(), 1);
    let (view, _) = panel("plot [1, 2, 3] as bars with error [0.1, 0.1, 0.1]");
    let Layer::Bars { edges, y, .. } = &view.layers[0] else { panic!("{:?}", view.layers) };
    assert_eq!((edges.as_slice(), y.as_slice()), ([-0.5, 0.5, 1.5, 2.5].as_slice(), [1.0, 2.0, 3.0].as_slice()));
    assert_eq!(view.y.range[0], 0.0);
}

#[test]
fn a_fit_is_the_line_of_least_squares() {
    // y = 2 x + 1 and one point above it: slope and correlation by hand.
    let (view, _) = panel("let x = [0, 1, 2, 3]  let y = [1, 3, 5, 11]  plot y against x as points with fit");
    assert_eq!(view.caption, "r = 0.956");
    let Some(Layer::Line { y, .. }) = view.layers.last() else { panic!() };
    assert!((y[0] - 0.2).abs() < 1e-9 && (y[1] - 9.8).abs() < 1e-9, "{y:?}");
}

#[test]
fn histograms_count_every_value() {
    let (view, _) = panel("plot [1 mV, 1.5 mV, 2 mV, 3 mV, 5 mV] as histogram(4)");
    let [Layer::Bars { edges, y, .. }] = view.layers.as_slice() else { panic!() };
    assert_eq!(
        (edges.as_slice(), y.as_slice()),
        ([1.0, 2.0, 3.0, 4.0, 5.0].as_slice(), [2.0, 1.0, 1.0, 1.0].as_slice())
    );
    assert_eq!((view.x.label.as_str(), view.y.label.as_str()), ("voltage (mV)", "count"));
    let (view, _) = panel("record net.ramp.v  run 10 ms  plot net.ramp.v as histogram");
    assert_eq!(view.caption, "303\u{a0}values");
}

#[test]
fn a_psth_is_the_rate_of_a_cell() {
    let o = outcome("record net.ramp.spike  run 100 ms  plot net.ramp.spike as psth(20 ms)");
    let view = &scene(&o, 0).panels[0];
    let [Layer::Bars { edges, y, .. }] = view.layers.as_slice() else { panic!() };
    assert_eq!(edges.as_slice(), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    let events = o.recordings[0].events(None).unwrap();
    let total: f64 = y.iter().map(|r| r * 0.02 * 3.0).sum();
    assert!((total - events.times.len() as f64).abs() < 1e-9 && view.y.label == "rate (Hz)");
}

#[test]
fn many_cells_are_a_heat_map_and_means_have_bands() {
    let (view, svg) = panel("record net.noisy.v every 1 ms  run 50 ms  plot net.noisy.v");
    let [Layer::Image { label, values: Some(grid), scale: Some(scale), x, .. }] = view.layers.as_slice() else {
        panic!()
    };
    assert_eq!((label.as_str(), grid.rows, grid.columns, *x), ("net.noisy.v (mV)", 40, 51, [-0.5, 50.5]));
    assert!(scale.low <= 0.0 && texts(&svg).contains(&"net.noisy.v (mV)".to_string()));
    let (view, _) = panel("record net.noisy.v every 1 ms  run 50 ms  plot net.noisy.v as mean");
    assert!(view.layers.iter().any(|l| matches!(l, Layer::Band { .. })) && view.caption.starts_with("mean of 40"));
    let (view, _) = panel("record net.noisy.v every 1 ms  run 50 ms  plot net.noisy.v as lines");
    assert_eq!(view.layers.iter().filter(|l| matches!(l, Layer::Line { .. })).count(), 40);
}

#[test]
fn rows_of_a_matrix_are_images() {
    let (view, svg) = panel("let w = confusion([0, 1, 2, 3], [0, 1, 2, 3], 4)  plot \"fields\" w as images(2, 2)");
    let [Layer::Image { x, y, .. }] = view.layers.as_slice() else { panic!() };
    // Two by two images of two pixels with one between.
    assert_eq!((*x, *y, view.aspect), ([0.0, 5.0], [0.0, 5.0], Some(1.0)));
    assert_eq!(view.caption, "4\u{a0}images of 2 × 2 values");
    let document = Document::parse(&svg).unwrap();
    let [left, top, right, bottom] = areas(&document)[0];
    assert!(((right - left) / (bottom - top) - 1.0).abs() < 0.01);
}

#[test]
fn panels_stand_in_a_grid() {
    let o = outcome(
        "record net.noisy.spike  run 50 ms\n plot \"Both\" in 2 columns {\n panel \"Spikes\" net.noisy.spike\n \
         panel [1, 2] against [3 mV, 4 mV] as points\n panel [1, 2]\n }",
    );
    let scene = scene(&o, 0);
    assert_eq!((scene.columns, scene.panels.len(), scene.panels[0].title.as_str()), (2, 3, "Spikes"));
    let svg = draw::svg(&scene);
    let document = Document::parse(&svg).unwrap();
    let areas = areas(&document);
    assert!(areas[0][2] < areas[1][0] && areas[0][3] < areas[2][1], "{areas:?}");
    assert!(["Both", "Spikes"].iter().all(|t| texts(&svg).contains(&t.to_string())));
}

#[test]
fn events_and_values_get_a_panel_each() {
    let o = outcome(
        "record net.noisy.spike  record net.ramp[0].v as v  run 50 ms  plot \"both\" net.noisy.spike, v labelled \"a\", \"b\"",
    );
    let scene = scene(&o, 0);
    let kinds: Vec<bool> = scene.panels.iter().map(|p| matches!(p.layers.last(), Some(Layer::Raster { .. }))).collect();
    assert_eq!(kinds, [true, false]);
}

#[test]
fn bars_of_several_series_stand_side_by_side() {
    let (view, _) = panel("plot [1 mV, 2 mV], [3 mV, 4 mV] as bars");
    let bars: Vec<(&Vec<f64>, &Vec<f64>)> = view
        .layers
        .iter()
        .filter_map(|l| if let Layer::Bars { edges, y, .. } = l { Some((edges, y)) } else { None })
        .collect();
    let places = |k: usize| -> Vec<(f64, f64)> {
        let (edges, y) = bars[k];
        edges.windows(2).zip(y).filter(|(_, y)| y.is_finite()).map(|(e, _)| (e[0], e[1])).collect()
    };
    let (first, second) = (places(0), places(1));
    assert_eq!((first.len(), second.len()), (2, 2));
    assert!(first[0].1 <= second[0].0 + 1e-12 && second[0].1 < first[1].0, "{first:?} {second:?}");
}

#[test]
fn a_number_beside_a_trace_holds_all_the_time() {
    let (view, _) = panel("record net.ramp[0].v as v  run 30 ms  plot v, -50 mV labelled \"v\", \"threshold\"");
    let Some(Layer::Line { x, y, label, .. }) = view.layers.last() else { panic!("{:?}", view.layers) };
    assert_eq!(
        (x.as_slice(), y.as_slice(), label.as_str()),
        ([0.0, 30.0].as_slice(), [-50.0, -50.0].as_slice(), "threshold")
    );
}

#[test]
fn time_may_be_logarithmic_though_it_begins_at_zero() {
    let (view, _) = panel("record net.ramp[0].v as v  run 10 ms  plot v with log x");
    assert_eq!(view.x.range, [0.1, 10.0]);
    let (view, _) = panel("record net.noisy.spike  run 10 ms  plot net.noisy.spike with log x");
    assert!(view.x.range[0] > 0.0 && view.x.range[1] == 10.0 && view.x.ticks(8).0.len() > 1, "{:?}", view.x);
}

#[test]
fn heat_maps_have_their_moments_in_the_middle_of_columns_and_axes_their_units() {
    let (view, _) = panel("record net.noisy.v every 100 ms as w  run 250 ms  plot w as heatmap");
    let [Layer::Image { x, .. }] = view.layers.as_slice() else { panic!() };
    assert_eq!((*x, view.x.range), ([-50.0, 250.0], [0.0, 250.0]));
    let (view, _) = panel("record net.noisy.v every 10 ms as w  run 11 s  plot w as heatmap with x 0.2 s .. 0.4 s");
    assert_eq!((view.x.range, view.x.label.as_str()), ([0.2, 0.4], "time (s)"));
    let (view, _) = panel("record net.noisy.v every 10 ms as w  run 100 ms  plot w with y 0 mV .. 10 mV");
    assert!(view.layers.iter().any(|l| matches!(l, Layer::Line { .. })) && view.y.range == [0.0, 10.0]);
    let (view, _) = panel("record net.noisy.v every 10 ms as w  run 100 ms  plot w with log x");
    assert!(view.x.log && view.layers.iter().any(|l| matches!(l, Layer::Band { .. })));
    let (view, _) = panel("record net.noisy.v every 10 ms as w  run 100 ms  plot w against w");
    assert_eq!(view.layers.iter().filter(|l| matches!(l, Layer::Line { .. })).count(), 40);
    assert!(view.x.range[1] < 10.0, "{:?}", view.x);
}

#[test]
fn captions_count_what_is_shown_and_what_is_left_out() {
    let (view, _) = panel("record net.noisy.spike  run 120 ms  plot net.noisy.spike with x 500 ms .. 600 ms");
    assert_eq!(view.caption, "0\u{a0}events of 40\u{a0}cells");
    let o = outcome(
        "record net.noisy.spike  run 120 ms  measure late = count(net.noisy.spike, 100 ms .. 120 ms)  plot net.noisy.spike as psth(50 ms)",
    );
    let late = o.measures["late"][0].single().unwrap();
    let caption = &scene(&o, 0).panels[0].caption;
    assert!(caption.ends_with(&format!("; {late}\u{a0}events after the last whole bin")), "{caption}");
    let (view, _) = panel("plot log([0, 1, 2] - 1)");
    assert_eq!(view.caption, "2\u{a0}values not finite");
}

#[test]
fn a_fit_on_logarithmic_axes_is_one_of_logarithms() {
    // y = 2 x^3
    let (view, _) =
        panel("let x = [1, 10, 100]  let y = [2, 2e3, 2e6]  plot y against x as points with fit, log x, log y");
    assert_eq!(view.caption, "r = 1.000 on these axes");
    let Some(Layer::Line { x, y, .. }) = view.layers.last() else { panic!() };
    assert!((x[1] / 100.0 - 1.0).abs() < 1e-9 && (y[0] / 2.0 - 1.0).abs() < 1e-9 && (y[1] / 2e6 - 1.0).abs() < 1e-9);
}

#[test]
fn what_is_zoomed_into_is_not_thinned_before() {
    let (view, _) = panel("record net.ramp[0].v as v  run 2 s  plot v with x 1 s .. 1.01 s");
    let Some(Layer::Line { x, .. }) = view.layers.iter().find(|l| matches!(l, Layer::Line { .. })) else { panic!() };
    assert!((101..=103).contains(&x.len()), "{}", x.len());
}

#[test]
fn ordinates_span_what_lies_within_the_ends_of_the_abscissa() {
    let (view, _) = panel("plot [1, 100, 2, 3, 4] as lines with x 2 .. 4");
    assert!(view.y.range[1] < 5.0 && view.y.range[0] > 1.0, "{:?}", view.y.range);
    let o = outcome("record net.noisy.spike  run 100 ms  plot net.noisy.spike as psth(1 ms) with x 90 ms .. 100 ms");
    let view = &scene(&o, 0).panels[0];
    let [Layer::Bars { y, .. }] = view.layers.as_slice() else { panic!() };
    let most = y[90..].iter().copied().fold(0.0, f64::max);
    assert!((view.y.range[1] / most - 1.05).abs() < 1e-9, "{:?} {most}", view.y.range);
    let late = o.recordings[0].events(None).unwrap().times.iter().filter(|t| **t >= 90.0).count();
    assert!(view.caption.starts_with(&grouped(late)), "{}", view.caption);
}

#[test]
fn an_event_at_the_beginning_of_a_window_is_not_in_it() {
    let all = outcome("record net.ramp.spike  run 100 ms");
    let first = all.recordings[0].events(None).unwrap().times[0];
    let body =
        format!("record net.ramp.spike during {first} ms .. 60 ms  run 100 ms  measure n = count(net.ramp.spike)");
    let o = outcome(&body);
    let within = |t: &&f64| **t > first + 1e-6 && **t <= 60.0;
    let expected = all.recordings[0].events(None).unwrap().times.iter().filter(within).count();
    assert_eq!((o.recordings[0].records() as usize, o.measures["n"][0].single()), (expected, Some(expected as f64)));
}

#[test]
fn color_bars_have_the_colors_of_their_values() {
    let (_, svg) = panel("let w = confusion([0, 1, 2, 2], [0, 1, 2, 3], 4)  plot w as images(4, 4)");
    let document = Document::parse(&svg).unwrap();
    let strips = of_class(&document, "color");
    assert_eq!(strips.len(), 64);
    assert!(
        strips[0].attribute("fill").unwrap().starts_with("#f")
            && strips[63].attribute("fill").unwrap().starts_with("#4")
    );
}

#[test]
fn thinned_lines_keep_their_extremes() {
    let body = "let x = linspace(0, 1, 100001)  let y = exp(0 - ((x - 0.3331) * 1e5)^2)  plot y against x as lines";
    let (view, svg) = panel(body);
    let Layer::Line { x, y, .. } = view.layers.iter().find(|l| matches!(l, Layer::Line { .. })).unwrap() else {
        panic!()
    };
    assert!(x.len() <= 4 * 1500 + 4, "{}", x.len());
    let most = y.iter().copied().fold(0.0, f64::max);
    assert!(most > 0.99, "a peak of one value is lost: {most}");
    assert!(svg.len() < 400_000);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let found = |body: &str| {
        let text = format!("{CELLS}\nexperiment e {{\n network net = Net()\n{body}\n}}\n");
        match try_program(&text) {
            Err(r) => r.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>(),
            Ok(p) => {
                let o = crate::support::run_with(&p, 0, Default::default(), std::path::Path::new("."));
                o.failure.iter().map(|d| format!("{}: {}", d.code, d.message)).collect()
            }
        }
    };
    let cases = [
        ("plot [1] as pointz", "E0201: `as pointz` says nothing of a plot"),
        ("plot [1] with logx", "E0201: `with logx` says nothing of a plot"),
        (
            "plot [1 mV, 2 mV], [1 pA, 2 pA], [1 nS, 2 nS]",
            "E0312: a panel has two axes of ordinates, and this is a third unit",
        ),
        (
            "record net.noisy.spike  run 1 ms  plot net.noisy.spike, [1, 2] as raster",
            "E0401: `raster` draws events, found a pure number",
        ),
        (
            "record net.noisy.spike  run 1 ms  plot net.noisy.spike against [1, 2]",
            "E0401: events are drawn against time",
        ),
        ("plot [1, 2] as raster", "E0401: `raster` draws events, found a pure number"),
        ("plot [1, 2] as mean", "E0401: `mean` draws a recorded state of cells, found a pure number"),
        (
            "record net.noisy.spike  run 1 ms  plot net.noisy.spike as bars",
            "E0401: `bars` draws values, found recorded events",
        ),
        ("plot [1, 2] as histogram(1, 2)", "E0402: `histogram` takes bins, found 2"),
        ("record net.noisy.spike  run 1 ms  plot net.noisy.spike as psth", "E0402: `psth` takes bin, found 0"),
        ("plot [1, 2] as lines(3)", "E0402: `lines` takes nothing, found 1"),
        ("plot [1, 2] labelled \"a\", \"b\"", "E0402: 2 names for 1 series"),
        ("plot [1, 2] with error [1, 2], [1, 2]", "E0402: 2 errors of 1 series"),
        (
            "plot [1 mV, 2 mV] with error [1 pA, 2 pA]",
            "E0306: an error in `pA` (a current) of values in `mV` (a voltage)",
        ),
        ("plot [1 mV, 2 mV] with y 0 pA .. 1 pA", "E0306: this axis is `mV` (a voltage), not `pA` (a current)"),
        ("plot [1 mV, 2 mV] with x 0 mV .. 3 mV", "E0306: this axis is a pure number, not `mV` (a voltage)"),
        (
            "plot [1 mV, 2 mV] as histogram with x 0 ms .. 3 ms",
            "E0306: this axis is `mV` (a voltage), not `ms` (a time)",
        ),
        (
            "record net.noisy.spike  run 1 ms  plot net.noisy.spike with y 0 mV .. 3 mV",
            "E0306: this axis is a pure number, not `mV` (a voltage)",
        ),
        (
            "record net.noisy.spike  run 1 ms  plot net.noisy.spike as psth(1 ms) with y 0 .. 3",
            "E0306: this axis is `Hz` (a rate), not a pure number",
        ),
        (
            "plot [1 mV, 2 mV], [1 pA, 2 pA] as histogram",
            "E0312: a histogram has one abscissa, and this is a second unit",
        ),
        (
            "record net.noisy.spike  run 1 ms  plot net.noisy.spike with fit",
            "E0401: `fit` says nothing of marks of events",
        ),
        ("plot [1, 2] as histogram with log x, zero", "E0401: `zero` says nothing of a histogram"),
        ("plot [1, 2] as histogram with error [1, 1]", "E0401: `error` says nothing of a histogram"),
        ("plot [1, 2] as heatmap with log y", "E0401: `log y` says nothing of colors"),
        ("plot [1, 2] with error [0 - 1, 1]", "E0404: an error is half of an interval"),
        ("plot [1, 2] as histogram(1e9)", "E0404: 1000000000 bins are more than can be told apart"),
        (
            "record net.ramp[0].v as v  run 1 ms  plot v, [1 mV, 2 mV]",
            "E0403: these values have no time, the recorded ones have",
        ),
        (
            "record net.ramp[0].v as v  run 1 ms  plot v, net.noisy.v",
            "E0403: this state was not recorded, the other one was",
        ),
        ("plot [1, 2] against [1, 2, 3]", "E0403: an array of 2 elements does not fit an array of 3 elements"),
        ("plot [1, 2] with error [1, 2, 3]", "E0403: an array of 3 elements does not fit an array of 2 elements"),
        ("plot confusion([0, 1], [0, 1], 4) as images(3, 3)", "E0403: images of 3 x 3 need 9 values in a row"),
        ("plot [1, 2], [3, 4] as heatmap", "E0402: `heatmap` fills a panel with one series"),
        ("plot [1, 2] with y 2 .. 1", "E0404: this axis has no extent"),
        ("plot [1, 2] with y 0 .. 1 with log y", "E0404: a logarithmic axis begins above zero"),
        ("plot \"a\" in 0 columns { panel [1, 2] }", "E0404: panels stand in at least one column"),
        (
            "record net.noisy.spike  run 1 ms  plot net.noisy.spike as psth(5 ms)",
            "E0404: a bin of 5 ms is longer than the recording of 1 ms",
        ),
        ("record net.noisy.spike  run 1 ms  plot net.noisy.spike as psth(0 ms)", "E0404: a bin is longer than nothing"),
    ];
    let wrong: Vec<_> = cases.iter().filter(|(body, expected)| found(body) != [*expected]).collect();
    assert!(wrong.is_empty(), "{:#?}", wrong.iter().map(|(b, e)| (b, e, found(b))).collect::<Vec<_>>());
}

#[test]
fn words_of_plots_may_name_variables_and_end_where_statements_begin() {
    program(&format!(
        "{CELLS}\nexperiment e {{\n let a = [1, 2]\n var panel = 1\n var columns = 2\n plot a as points\n panel = 3\n \
         plot a with log y, zero\n columns = 4\n plot \"x\" {{ panel a }}\n plot a\n var labelled = 3\n print panel, columns, labelled\n}}\n"
    ));
}

#[test]
fn events_of_thousands_of_cells_are_all_counted() {
    let o = outcome("network big = Net(n = 4000)\n record big.noisy.spike  run 100 ms  plot big.noisy.spike");
    let view = &scene(&o, 0).panels[0];
    let n = o.recordings[0].records();
    assert!(n > 20_000 && view.caption.starts_with(&grouped(n as usize)), "{}", view.caption);
}
