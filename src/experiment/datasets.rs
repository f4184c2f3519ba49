//! Data sets in experiments, and the functions that compare what a network says of them.

use super::Attempt;
use super::eval::{Scope, fail};
use super::value::{Quantity, Value};
use crate::data::{Examples, KNOWN, Numbers, Unavailable, images};
use crate::diag::{Code, Diagnostic};
use crate::hir::VarKind;
use crate::source::Span;
use crate::syntax::ast;
use crate::units::{Dim, lookup};
use std::rc::Rc;

/// Reads some examples of a field: a row for each.
pub fn examples(set: &Examples, field: usize, items: &[usize]) -> Quantity {
    let f = &set.fields[field];
    let q = Quantity::array(set.rows(field, items), Dim::ONE, None);
    Quantity { rows: Some(items.len()), scalar: f.width == 1, classes: f.classes, ..q }
}

/// Reads a data set by name.
pub fn known(scope: &Scope, name: &str, span: Span) -> Attempt<Value> {
    match images(name, scope.files) {
        Ok(parts) => {
            let parts = parts.into_iter().map(|(name, e)| (name, Rc::new(e))).collect();
            Ok(Value::Data(Rc::new(parts)))
        }
        Err(why) => Err(unavailable(name, why, span)),
    }
}

fn unavailable(name: &str, why: Unavailable, span: Span) -> Box<Diagnostic> {
    let Some(known) = KNOWN.iter().find(|k| k.name == name) else { crate::ice!("an unknown data set") };
    match why {
        Unavailable::Missing(file) => {
            let files: Vec<String> = known.files.iter().map(|(f, digest)| format!("{f} (SHA-256 {digest})")).collect();
            let message = format!("`{name}` is not here: `{}/{file}` was not found", known.folder);
            Box::new(
                Diagnostic::at(Code::E0814, span, message, "needs these files")
                    .note(format!("{}; each plain, as .gz or as .xz:\n{}", known.about, files.join("\n")))
                    .note("searched in `--data`, NEURO_DATA and the user's cache: `neuro data list` shows the folders")
                    .help(format!("get them from {} and put them into a folder `{}`", known.address, known.folder)),
            )
        }
        Unavailable::Damaged(file, reason) => {
            let message = format!("`{}/{file}` is not the file of `{name}`", known.folder);
            Box::new(
                Diagnostic::at(Code::E0815, span, message, reason).help(format!("get it anew from {}", known.address)),
            )
        }
    }
}

/// `dataset(x = …, y = …)`
pub fn made(scope: &Scope, args: &[ast::Arg], span: Span) -> Attempt<Value> {
    let mut fields = Vec::new();
    let mut count = None;
    for a in args {
        let name = a.name.as_ref().map_or(String::new(), |n| n.text.clone());
        if name == "examples" {
            count = Some(scope.size(&a.value)?);
            continue;
        }
        let q = scope.quantity(&a.value)?;
        fields.push((name, q.classes, Numbers::Reals(q.data.to_vec())));
    }
    match Examples::new("dataset", fields, count) {
        Ok(set) => {
            let order = Rc::new((0..set.n).collect());
            Ok(Value::Examples(Rc::new(set), order))
        }
        Err(why) => fail(Code::E0403, span, "these fields do not make a data set", why),
    }
}

/// 1 at the index of each label.
pub fn one_hot(label: &Quantity, classes: Option<u32>, span: Span) -> Attempt<Value> {
    let Some(classes) = classes else {
        return Err(Box::new(
            Diagnostic::at(Code::E0402, span, "of how many classes?", "these labels do not say")
                .help("write `one_hot(label, 10)`"),
        ));
    };
    let classes = classes as usize;
    let mut data = Vec::with_capacity(label.data.len() * classes);
    for l in label.data.iter() {
        if l.fract() != 0.0 || !(0.0..classes as f64).contains(l) {
            return fail(Code::E0404, span, format!("{l} is not one of {classes} classes"), "out of range");
        }
        data.extend((0..classes).map(|k| f64::from(u8::from(k == *l as usize))));
    }
    let rows = if label.is_single() { None } else { Some(label.data.len()) };
    Ok(Quantity { rows, ..Quantity::array(data, Dim::ONE, None) }.into())
}

/// Counts of pairs of classes, row after row.
pub fn confusion(x: &Quantity, y: &Quantity, classes: Option<u32>, span: Span) -> Attempt<Value> {
    let most = || x.data.iter().chain(y.data.iter()).copied().fold(0.0, f64::max) as u32 + 1;
    let n = classes.unwrap_or_else(most) as usize;
    if x.data.len() != y.data.len() {
        let message = format!("{} classes against {}", x.data.len(), y.data.len());
        return fail(Code::E0403, span, message, "different lengths");
    }
    let mut counts = vec![0.0; n * n];
    for (a, b) in x.data.iter().zip(y.data.iter()) {
        let (Some(a), Some(b)) = (class(*a, n), class(*b, n)) else {
            return fail(Code::E0404, span, format!("{a} and {b} are not two of {n} classes"), "out of range");
        };
        counts[a * n + b] += 1.0;
    }
    Ok(Quantity::array(counts, Dim::ONE, None).into())
}

fn class(x: f64, n: usize) -> Option<usize> {
    (x.fract() == 0.0 && x >= 0.0 && x < n as f64).then_some(x as usize)
}

/// The angle between two vectors, example by example, or between the weights of two projections that join the same cells.
pub fn angle(scope: &Scope, args: &[ast::Arg], span: Span) -> Attempt<Value> {
    let (a, b) = (scope.eval(&args[0].value)?, scope.eval(&args[1].value)?);
    let deg = lookup("deg");
    if let (Value::Projection(n, first), Value::Projection(m, second)) = (&a, &b) {
        let (x, y) = (matrix(scope, *n, first), matrix(scope, *m, second));
        let y = if (x.0, x.1) == (y.1, y.0) && x.3 == (y.3.1, y.3.0) { transposed(y) } else { y };
        if (x.0, x.1) != (y.0, y.1) {
            let message = format!("weights of {} x {} cells and of {} x {}", x.0, x.1, y.0, y.1);
            return fail(Code::E0403, span, message, "they do not join the same cells");
        }
        let angle = between(&x.2, &y.2);
        return Ok(Quantity::number(angle, Dim::ONE, deg).into());
    }
    let (x, y) = (scope.quantity(&args[0].value)?, scope.quantity(&args[1].value)?);
    if x.width() != y.width() {
        let message = format!("vectors of {} and {} elements", x.width(), y.width());
        return fail(Code::E0403, span, message, "different lengths");
    }
    let rows = x.rows.or(y.rows);
    let row = |q: &Quantity, k: usize| {
        let at = if q.rows.is_some() { k * q.width() } else { 0 };
        q.data[at..at + q.width()].to_vec()
    };
    let data: Vec<f64> = (0..rows.unwrap_or(1)).map(|k| between(&row(&x, k), &row(&y, k))).collect();
    Ok(Quantity { data: data.into(), rows, ..Quantity::number(0.0, Dim::ONE, deg) }.into())
}

/// The angle between two vectors in radians.
fn between(x: &[f64], y: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    (dot(x, y) / (dot(x, x) * dot(y, y)).sqrt()).clamp(-1.0, 1.0).acos()
}

/// Numbers of sources and targets, weights source by source, and which populations they are.
type Dense = (usize, usize, Vec<f64>, (usize, usize));

fn matrix(scope: &Scope, network: usize, list: &[usize]) -> Dense {
    let live = &scope.live[network];
    let p = &live.network().projections[list[0]];
    let mut out = vec![0.0; p.pre.n * p.post.n];
    let values = p.synapse.weight().map_or(Vec::new(), |w| live.synapse_values(list[0], w));
    for (e, v) in p.pairs.edges().iter().zip(&values) {
        out[(e.pre as usize - p.pre.start) * p.post.n + e.post as usize - p.post.start] = *v;
    }
    (p.pre.n, p.post.n, out, (p.pre.population, p.post.population))
}

fn transposed((rows, columns, x, (pre, post)): Dense) -> Dense {
    let out = (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))).map(|(i, j)| x[i * columns + j]).collect();
    (columns, rows, out, (post, pre))
}

/// The energy of all cells and synapses of a network.
pub fn energy(scope: &Scope, net: &ast::Expr) -> Attempt<Value> {
    let index = scope.network_of(net)?;
    let Some(s) = scope.live[index].simulation.as_ref().and_then(|s| s.rates()) else {
        return fail(Code::E0401, net.span, "this network has no energy", "needs `energy F = …`, and to have run");
    };
    let (mut rows, mut dim) = (vec![0.0; s.active()], Dim::ONE);
    for (p, population) in s.network.populations.iter().enumerate() {
        for v in &population.model.energies {
            dim = population.model.vars[*v].dim;
            let values = s.values(p, *v);
            for (row, sum) in rows.iter_mut().enumerate() {
                let at = if values.rows == 1 { 0 } else { row * population.n };
                *sum += values.values[at..at + population.n].iter().sum::<f64>();
            }
        }
    }
    for k in 0..s.network.projections.len() {
        let of = s.energy(k);
        rows.iter_mut().zip(of).for_each(|(sum, e)| *sum += e);
    }
    let batch = s.network.batch.is_some().then_some(rows.len());
    Ok(Quantity { data: rows.into(), rows: batch, ..Quantity::number(0.0, dim, None) }.into())
}

/// Returns whether values of a variable are of single examples in a network that sees several.
pub fn is_per_example(network: &crate::plan::Network, population: usize, v: crate::hir::VarId) -> bool {
    let model = &network.populations[population].model;
    let shared = match model.vars[v].kind {
        VarKind::Param(_) => true,
        VarKind::State(_) => model.is_shared(v),
        _ => false,
    };
    network.batch.is_some() && !shared
}

/// Channels and side of square images, by their number of pixels.
fn image_shape(width: usize, span: Span) -> Attempt<(usize, usize)> {
    for channels in [1, 3] {
        let side = ((width / channels) as f64).sqrt().round() as usize;
        if channels * side * side == width {
            return Ok((channels, side));
        }
    }
    fail(Code::E0403, span, format!("{width} numbers are not a square image"), "of one or three channels")
}

/// Moves every image by up to so many pixels either way, with zeros where nothing was.
pub fn random_crop(scope: &Scope, args: &[ast::Arg]) -> Attempt<Value> {
    let (q, by) = (scope.quantity(&args[0].value)?, scope.size(&args[1].value)? as i64);
    let (channels, side) = image_shape(q.width(), args[0].value.span)?;
    let mut data = Vec::with_capacity(q.data.len());
    let stream = scope.another_stream();
    for (k, image) in q.examples().enumerate() {
        let mut draw = stream.reader(k as u64);
        let mut shift = || i64::from(draw.below(2 * by as u32 + 1)) - by;
        let (dy, dx) = (shift(), shift());
        for c in 0..channels {
            for y in 0..side as i64 {
                for x in 0..side as i64 {
                    let (i, j) = (y + dy, x + dx);
                    let inside = (0..side as i64).contains(&i) && (0..side as i64).contains(&j);
                    data.push(if inside { image[(c * side + i as usize) * side + j as usize] } else { 0.0 });
                }
            }
        }
    }
    Ok(q.with(data).into())
}

/// Mirrors every image from left to right, or not, at random.
pub fn random_flip(scope: &Scope, args: &[ast::Arg]) -> Attempt<Value> {
    let q = scope.quantity(&args[0].value)?;
    let (_, side) = image_shape(q.width(), args[0].value.span)?;
    let mut data = q.data.to_vec();
    let stream = scope.another_stream();
    for (k, image) in data.chunks_mut(q.width().max(1)).enumerate() {
        if stream.reader(k as u64).below(2) == 1 {
            image.chunks_mut(side).for_each(<[f64]>::reverse);
        }
    }
    Ok(q.with(data).into())
}

/// Subtracts a mean from every channel and divides it by a standard deviation.
pub fn normalise(scope: &Scope, args: &[ast::Arg], span: Span) -> Attempt<Value> {
    let q = scope.quantity(&args[0].value)?;
    let (mean, deviation) = (scope.quantity(&args[1].value)?, scope.quantity(&args[2].value)?);
    let (channels, side) = image_shape(q.width(), args[0].value.span)?;
    for (what, given) in [("means", &mean), ("standard deviations", &deviation)] {
        if !given.is_single() && given.data.len() != channels {
            let message = format!("{} {what} for {channels} channels", given.data.len());
            return fail(Code::E0403, span, message, "one for all, or one for each");
        }
    }
    let area = side * side;
    let value = |(i, x): (usize, &f64)| {
        let c = i / area % channels;
        (x - mean.at(c)) / deviation.at(c)
    };
    Ok(q.with(q.data.iter().enumerate().map(value).collect()).into())
}
