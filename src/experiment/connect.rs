//! Connectors: which pairs of cells a projection connects, drawn from the projection's own random stream.

use super::Attempt;
use super::eval::{Pair, Scope, fail};
use crate::diag::{Code, Diagnostic};
use crate::plan::{Connector, Drawing, Edge, Pairs, Population, View, Windows};
use crate::rng::Stream;
use crate::syntax::ast::{self, ExprKind};

/// One end of a projection.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// The population.
    pub population: &'a Population,
    /// Its cells.
    pub view: View,
}

impl End<'_> {
    /// Returns the coordinates of a cell of the population on its grid.
    pub fn position(&self, cell: usize) -> [f64; 3] {
        let mut out = [0.0; 3];
        let mut rest = cell;
        for (k, extent) in self.population.shape.iter().enumerate().rev() {
            if k < 3 {
                out[k] = (rest % extent) as f64 * self.population.spacing;
            }
            rest /= extent;
        }
        out
    }
}

/// Finds how a square of sources moves over a population of the shape `[channels, height, width]` or `[height, width]`.
fn windows(scope: &Scope, e: &ast::Expr, name: &str, args: &[ast::Arg], pre: End, post: End) -> Attempt<Windows> {
    let shape = |end: End| -> Attempt<(usize, usize, usize)> {
        let whole = end.view.n == end.population.n;
        match (&end.population.shape[..], whole) {
            ([c, h, w], true) => Ok((*c, *h, *w)),
            ([h, w], true) => Ok((1, *h, *w)),
            _ => {
                let message = format!("`{}` is not an image", end.population.name);
                let label = format!("`{name}` joins whole populations with the shape [channels, height, width]");
                fail(Code::E0603, e.span, message, label)
            }
        }
    };
    let ((c, h, w), (d, y, x)) = (shape(pre)?, shape(post)?);
    let mut given = [None; 3];
    for (i, a) in args.iter().enumerate() {
        let k = match a.name.as_ref().map(|n| n.text.as_str()) {
            None => i,
            Some("kernel") => 0,
            Some("stride") => 1,
            _ => 2,
        };
        given[k.min(2)] = Some(scope.size(&a.value)?);
    }
    let kernel = given[0].unwrap_or(1);
    let pool = name == "pool";
    let stride = given[1].unwrap_or(if pool { kernel } else { 1 });
    let padding = given[2].unwrap_or(0);
    if kernel == 0 || stride == 0 || h + 2 * padding < kernel || w + 2 * padding < kernel || padding >= kernel {
        let message = format!("a window of {kernel} x {kernel} does not fit {h} x {w} sources");
        return fail(Code::E0603, e.span, message, "kernel, stride or padding is out of range");
    }
    let out = ((h + 2 * padding - kernel) / stride + 1, (w + 2 * padding - kernel) / stride + 1);
    let channels = if pool { c } else { d };
    if (d, y, x) != (channels, out.0, out.1) {
        let message = format!("`{}` must have the shape [{channels}, {}, {}]", post.population.name, out.0, out.1);
        return fail(Code::E0603, e.span, message, format!("its shape is [{d}, {y}, {x}]"));
    }
    Ok(Windows { pre: pre.view, post: post.view, channels: (c, d), size: (h, w), out, kernel, stride, padding, pool })
}

/// Draws the synapses of a connector, in a fixed order.
pub fn connect(scope: &Scope, e: &ast::Expr, pre: End, post: End, stream: Stream) -> Attempt<Pairs> {
    let (name, args): (&str, &[ast::Arg]) = match &e.kind {
        ExprKind::Name(n) => (n, &[]),
        ExprKind::Call(f, args) => match &f.kind {
            ExprKind::Name(n) => (n, args),
            _ => ("", &[]),
        },
        _ => ("", &[]),
    };
    let same = pre.view.population == post.view.population;
    let autapses = match args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == "autapses")) {
        Some(a) => scope.truth(&a.value)?,
        None => true,
    };
    let argument = args.iter().find(|a| a.name.as_ref().is_none_or(|n| n.text != "autapses")).map(|a| &a.value);
    let edge = |i: usize, j: usize| Edge { pre: (pre.view.start + i) as u32, post: (post.view.start + j) as u32 };
    let allowed = |i: usize, j: usize| autapses || !same || pre.view.start + i != post.view.start + j;
    let (n, m) = (pre.view.n, post.view.n);
    let drawn = |connector: Connector, degree: usize| {
        let lonely = match connector {
            Connector::InDegree => n == 1 && (0..m).any(|j| !allowed(0, j)),
            Connector::Total => n == 1 && m == 1 && !allowed(0, 0),
            _ => m == 1 && (0..n).any(|i| !allowed(i, 0)),
        };
        if degree > 0 && lonely {
            return fail(Code::E0606, e.span, "no cell is left to connect to", "autapses are excluded");
        }
        Ok(Pairs::Drawn(Drawing::new((pre.view, post.view), connector, degree, autapses, stream)))
    };
    let mut out = Vec::new();
    match (name, argument) {
        ("all_to_all", _) if autapses || !same => return Ok(Pairs::All(pre.view, post.view)),
        ("all_to_all", _) => {
            for i in 0..n {
                out.extend((0..m).filter(|j| allowed(i, *j)).map(|j| edge(i, j)));
            }
        }
        ("conv" | "pool", _) => return Ok(Pairs::Windows(windows(scope, e, name, args, pre, post)?)),
        ("one_to_one", _) => {
            if n != m {
                return Err(Box::new(
                    Diagnostic::at(
                        Code::E0603,
                        e.span,
                        format!("cannot connect {n} cells one to one with {m}"),
                        "different sizes",
                    )
                    .help("use views of the same size: `exc[0..100]`"),
                ));
            }
            return Ok(Pairs::OneToOne(pre.view, post.view));
        }
        ("fixed_probability", Some(p)) => {
            let p = probability(scope.number(p)?, e)?;
            return drawn(Connector::Probability(p), 0);
        }
        ("fixed_in_degree", Some(k)) => {
            let k = degree(scope, k, n, "sources")?;
            return drawn(Connector::InDegree, k);
        }
        ("fixed_out_degree", Some(k)) => {
            let k = degree(scope, k, m, "targets")?;
            return drawn(Connector::OutDegree, k);
        }
        ("fixed_total", Some(k)) => {
            let k = degree(scope, k, n * m, "pairs")?;
            return drawn(Connector::Total, k);
        }
        ("distance", Some(p)) => {
            for i in 0..n {
                let mut r = stream.reader(i as u64);
                for j in 0..m {
                    let inner = with_pair(scope, pre, post, i, j);
                    let p = probability(inner.number(p)?, e)?;
                    if r.uniform() < p && allowed(i, j) {
                        out.push(edge(i, j));
                    }
                }
            }
        }
        _ => return fail(Code::E0210, e.span, "unknown connector", "not a connector"),
    }
    Ok(out.into())
}

/// Connects the pairs that satisfy a condition.
pub fn connect_where(scope: &Scope, e: &ast::Expr, pre: End, post: End) -> Attempt<Vec<Edge>> {
    let mut out = Vec::new();
    for i in 0..pre.view.n {
        for j in 0..post.view.n {
            if with_pair(scope, pre, post, i, j).truth(e)? {
                out.push(Edge { pre: (pre.view.start + i) as u32, post: (post.view.start + j) as u32 });
            }
        }
    }
    Ok(out)
}

/// The scope in which `pre`, `post` and `d` have values.
pub fn with_pair<'a>(scope: &'a Scope, pre: End, post: End, i: usize, j: usize) -> Scope<'a> {
    let (x, y) = (pre.position(pre.view.start + i), post.position(post.view.start + j));
    let distance = x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let spaced = pre.population.spacing != 1.0 || post.population.spacing != 1.0;
    let dim = if spaced { Some(crate::units::Dim::LENGTH) } else { None };
    Scope {
        module: scope.module,
        names: std::borrow::Cow::Borrowed(&scope.names),
        live: scope.live,
        recordings: scope.recordings,
        files: scope.files,
        cell: scope.cell,
        time: scope.time,
        dt: scope.dt,
        shuffles: scope.shuffles,
        pair: Some(Pair { pre: (i, pre.view.n, x), post: (j, post.view.n, y), distance, dim }),
    }
}

fn probability(p: f64, e: &ast::Expr) -> Attempt<f64> {
    if (0.0..=1.0).contains(&p) {
        return Ok(p);
    }
    fail(Code::E0604, e.span, format!("{} is not a probability", crate::units::format_number(p)), "must lie in 0 .. 1")
}

fn degree(scope: &Scope, e: &ast::Expr, available: usize, what: &str) -> Attempt<usize> {
    let k = scope.size(e)?;
    if k > 0 && available == 0 {
        return fail(Code::E0606, e.span, format!("{k} synapses, but there are no {what}"), "nothing to connect");
    }
    Ok(k)
}
