//! Wording of the E02xx–E05xx families, one small function per diagnostic.

use super::root::number_without_unit;
use super::typed::Expr;
use super::{Kind, Neuron, Shape, Ty, Var, VarKind, foreign};
use crate::builtin::{Builtin, Place};
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::MAX_HEIGHT;
use crate::syntax::ast::{self, Name};
use crate::units::{Dim, Unit, canonical_unit, format_number, unit_names};

pub(crate) fn unknown_name<'a>(name: &str, span: Span, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let help = foreign::name(name).or_else(|| nearest(name, known).map(|n| format!("did you mean `{n}`?")));
    Diagnostic::at(Code::E0201, span, format!("unknown name `{name}`"), "not declared here").maybe_help(help)
}

pub(crate) fn declared_twice(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::at(Code::E0202, span, format!("`{name}` is declared twice"), "declared again")
        .label(first, "first declared here")
        .help("rename one of them")
}

pub(crate) fn unknown_model<'a>(what: &str, name: &Name, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let help = match crate::stdlib::module_that_declares(&name.text) {
        Some(module) => Some(format!("add `use {module}` at the top of the file")),
        None => {
            let near = nearest(&name.text, known).map(|n| format!("did you mean `{n}`?"));
            near.or_else(|| foreign::model(&name.text))
        }
    };
    Diagnostic::at(Code::E0203, name.span, format!("unknown {what} `{}`", name.text), "not declared or imported")
        .maybe_help(help)
}

pub(crate) fn unknown_parameter<'a>(model: &str, name: &Name, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let known: Vec<&str> = known.into_iter().collect();
    let help = nearest(&name.text, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
    let d = Diagnostic::at(
        Code::E0204,
        name.span,
        format!("`{model}` has no parameter `{}`", name.text),
        "no such parameter",
    );
    let d = if known.is_empty() {
        d.note("it has no parameters")
    } else {
        d.note(format!("its parameters are {}", list(&known)))
    };
    d.maybe_help(help)
}

pub(crate) fn no_member<'a>(
    owner: &str,
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let known: Vec<&str> = known.into_iter().collect();
    let help = nearest(name, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
    let d = Diagnostic::at(Code::E0205, span, format!("{owner} has no `{name}`"), "no such member");
    let d = if known.is_empty() { d } else { d.note(format!("it has {}", list(&known))) };
    d.maybe_help(help)
}

pub(crate) fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|n| format!("`{n}`")).collect();
    let more = if names.len() > 12 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// A clause that stands there already.
pub(crate) fn said_twice(what: &str, span: Span, first: Span) -> Diagnostic {
    let d = Diagnostic::at(Code::E0202, span, format!("`{what}` is said twice"), "said again");
    d.label(first, "first said here").help("remove one of them")
}

/// A switch of plasticity where no weight changes.
pub(crate) fn nothing_to_switch(of: &Ty, span: Span) -> Diagnostic {
    let (message, label) = match &of.kind {
        Kind::Projection(Some(s)) => {
            (format!("weights of `{}` never change", s.name), "this projection does not learn")
        }
        Kind::Network(name) => (format!("network `{name}` has no weights that change"), "no projection of it learns"),
        _ => ("these weights never change".to_string(), "this projection does not learn"),
    };
    Diagnostic::at(Code::E0401, span, message, label)
        .note("a synapse learns if a handler or an equation of it changes its weight, as in `std.plasticity.pair`")
        .help("name a projection that learns, or remove the statement")
}

/// A list of what does not lie side by side.
pub(crate) fn uneven(first: &str, at: Span, other: &str, span: Span) -> Diagnostic {
    let d = Diagnostic::at(Code::E0403, span, format!("a list of {first} and {other}"), format!("this is {other}"));
    d.label(at, format!("this is {first}"))
        .note("a list holds numbers, or rows of one length: `[[1, 0], [0, 3]]` is a matrix")
        .help("`concat(x, y)` puts one after the other")
}

/// A name that hides an earlier one.
pub(crate) fn shadowed(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::at(Code::W0202, span, format!("`{name}` hides another `{name}`"), "from here on this one is meant")
        .label(first, "declared here")
        .help("give it another name; `var` declares a name whose value changes")
}

pub(crate) fn unit_clash(name: &str, span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0206, span, format!("`{name}` is the name of a unit"), "would hide the unit")
        .help(format!("rename it, for example `{name}_0`"))
        .note("names of one letter (`m`, `h`) are allowed: after a number they are units, elsewhere variables")
}

pub(crate) fn reserved(name: &str, span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0211, span, format!("`{name}` has a meaning of its own"), "reserved")
        .note("`t` is the simulated time, `dt` the time step, `xi` white noise, `pi` and `inf` are numbers")
        .help("choose another name")
}

pub(crate) fn not_assignable(name: &str, what: &str, span: Span, declared: Option<Span>) -> Diagnostic {
    let d = Diagnostic::at(Code::E0207, span, format!("`{name}` cannot be assigned"), format!("it is {what}"));
    let d = match declared {
        Some(s) => d.label(s, "declared here"),
        None => d,
    };
    d.help("only states change in handlers; declare it with `state`")
}

/// What a network has beside its cells and synapses.
pub(crate) fn fixed_when_made(network: &str, name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` cannot be assigned: `{network}` has it from when it is made");
    Diagnostic::at(Code::E0207, span, message, "belongs to the network as a whole").help(format!(
        "give it where the network is made, `{network}({name} = …)`, or set the cells: `net.cells.v = …`"
    ))
}

/// Units as other languages call them.
const WORDS_OF_UNITS: &[(&[&str], &str)] = &[
    (&["sec", "secs", "second", "seconds"], "s"),
    (&["msec", "msecs", "millisecond", "milliseconds"], "ms"),
    (&["usec", "microsecond", "microseconds"], "us"),
    (&["volt", "volts"], "V"),
    (&["mvolt", "millivolt", "millivolts"], "mV"),
    (&["amp", "amps", "ampere", "amperes"], "A"),
    (&["namp", "nanoamp", "nanoampere"], "nA"),
    (&["pamp", "picoamp", "picoampere"], "pA"),
    (&["siemens", "mho"], "S"),
    (&["msiemens", "mmho"], "mS"),
    (&["nsiemens", "nanosiemens"], "nS"),
    (&["farad"], "F"),
    (&["ufarad", "microfarad"], "uF"),
    (&["pfarad", "picofarad"], "pF"),
    (&["hertz"], "Hz"),
    (&["ohms", "megohm"], "Ohm"),
    (&["micron", "microns", "micrometer", "micrometre"], "um"),
    (&["meter", "metre"], "m"),
    (&["degree", "degrees"], "deg"),
];

pub(crate) fn unknown_unit<'a>(name: &Name, user: impl Iterator<Item = &'a str>) -> Diagnostic {
    let known: Vec<String> = unit_names().map(String::from).chain(user.map(String::from)).collect();
    let meant = WORDS_OF_UNITS.iter().find(|(words, _)| words.iter().any(|w| w.eq_ignore_ascii_case(&name.text)));
    let near = meant.map(|(_, unit)| *unit).or_else(|| nearest(&name.text, known.iter().map(String::as_str)));
    let help = near.map(|n| format!("did you mean `{n}`?"));
    Diagnostic::at(Code::E0305, name.span, format!("unknown unit `{}`", name.text), "not a unit").maybe_help(help)
}

pub(crate) fn mismatched_equation(
    state: &Var,
    (expected, found): (&Ty, &Ty),
    span: Span,
    without_unit: Option<(&Var, Unit)>,
) -> Diagnostic {
    let d = Diagnostic::at(
        Code::E0301,
        span,
        format!("mismatched units in the equation for `{}`", state.name),
        format!("expected {}, found {}", expected.describe(), found.describe()),
    )
    .label(state.span, format!("`{}` declared here", state.name));
    match without_unit {
        Some((p, unit)) => d
            .label(p.span, format!("`{}` has no unit", p.name))
            .help(format!("give `{}` its unit where it is declared: `… {}`", p.name, unit.name)),
        None => d.maybe_help(conversion(expected.dim, found.dim)),
    }
}

/// Suggests the factor that would repair the most common slips.
pub(crate) fn conversion(expected: Option<Dim>, found: Option<Dim>) -> Option<String> {
    let ratio = found? / expected?;
    let table = [
        (Dim::TIME, "divide by a time constant: `… / tau`"),
        (Dim::CAPACITANCE, "divide the current by a capacitance: `… / C_m`"),
        (Dim::CONDUCTANCE, "divide the current by a conductance: `… / g_L`"),
        (Dim::CONDUCTANCE.recip(), "multiply by a conductance, or divide by a resistance"),
        (Dim::VOLTAGE.recip(), "multiply by a driving force: `… * (E - v)`"),
    ];
    table.iter().find(|(d, _)| *d == ratio).map(|(_, h)| (*h).to_string())
}

pub(crate) fn cannot_add(op: &str, x: (&Expr, Span), y: (&Expr, Span)) -> Diagnostic {
    let verb = if op == "-" { "subtract" } else { "add" };
    let (a, b) = ((&x.0.ty, x.1), (&y.0.ty, y.1));
    let missing = a.0.dim.zip(b.0.dim);
    let without_unit = missing.and_then(|(a, b)| {
        let first = number_without_unit(x.0, b / a);
        first.or_else(|| number_without_unit(y.0, a / b))
    });
    let d = Diagnostic::at(
        Code::E0302,
        b.1,
        format!("cannot {verb} values of different units"),
        format!("this is {}", b.0.describe()),
    )
    .label(a.1, format!("this is {}", a.0.describe()));
    match without_unit {
        Some((span, value, unit)) => {
            let whole = span == a.1 || span == b.1;
            let d = if whole { d } else { d.label(span, "this has no unit") };
            match value {
                Some(v) => d.help(format!("write the unit: `{} {}`", format_number(v), unit.name)),
                None => d.help(format!("give it its unit where it is declared: `… {}`", unit.name)),
            }
        }
        None => d.maybe_help(conversion(a.0.dim, b.0.dim)),
    }
}

/// What is wrong with an event input that is added to something is where it stands.
pub(crate) fn term_of_its_own(d: Diagnostic) -> Diagnostic {
    d.note("what arrives at an event input is counted per time")
        .help("write it as a term of the equation, outside of brackets: `v' = -v / tau + exc`")
}

pub(crate) fn cannot_compare(a: (&Ty, Span), b: (&Ty, Span)) -> Diagnostic {
    let without = |ty: &Ty| ty.kind == Kind::Number && ty.dim == Some(Dim::ONE);
    let with = |ty: &Ty| ty.dim.filter(|_| ty.kind == Kind::Number && !without(ty));
    let other =
        if without(a.0) { with(b.0).map(|d| (b.0, d)) } else { with(a.0).map(|d| (a.0, d)).filter(|_| without(b.0)) };
    let help = other.map(|(ty, dim)| {
        let unit = ty.unit.clone().unwrap_or_else(|| canonical_unit(dim));
        format!("write the unit: `… {}`", unit.name)
    });
    Diagnostic::at(Code::E0303, b.1, "cannot compare values of different units", format!("this is {}", b.0.describe()))
        .label(a.1, format!("this is {}", a.0.describe()))
        .maybe_help(help)
}

/// Says of a name that is a unit, because nothing else is declared by it.
pub(crate) fn unit_by_name(d: Diagnostic, names: [&str; 2]) -> Diagnostic {
    match names.into_iter().find(|name| !name.is_empty()) {
        Some(name) => d.help(format!("`{name}` is the unit here: nothing else of this name is declared")),
        None => d,
    }
}

pub(crate) fn wrong_unit(what: &str, expected: &Ty, found: &Ty, span: Span, declared: Option<Span>) -> Diagnostic {
    let d = Diagnostic::at(
        Code::E0306,
        span,
        format!("{what} has the wrong unit"),
        format!("expected {}, found {}", expected.describe(), found.describe()),
    );
    let d = match declared {
        Some(s) => d.label(s, "declared here"),
        None => d,
    };
    if found.dim == Some(Dim::ONE)
        && let Some(dim) = expected.dim
    {
        let unit = expected.unit.clone().unwrap_or_else(|| canonical_unit(dim));
        return d.help(format!("write the unit: `… {}`", unit.name));
    }
    d
}

pub(crate) fn wrong_kind(expected: &str, found: &Ty, span: Span) -> Diagnostic {
    let help = match found.kind {
        Kind::Trace if expected.contains("number") => Some(
            "`values(trace)` are all its numbers, `value_at(trace, 5 ms)` those of one time: `mean(values(trace))`",
        ),
        Kind::Events if expected.contains("number") => {
            Some("events are counted, `count(net.exc.spike)`, or make a rate, `rate(net.exc.spike)`")
        }
        _ => None,
    };
    Diagnostic::at(Code::E0401, span, format!("expected {expected}, found {}", found.describe()), "wrong kind of value")
        .maybe_help(help.map(str::to_string))
}

/// An element or a member where nothing has any.
pub(crate) fn no_parts(e: &ast::Expr) -> Diagnostic {
    let (what, help) = match e.kind {
        ast::ExprKind::Index(..) => (
            "an element of an array",
            "arrays belong to networks and experiments; of a cable in its neuron, a state has an index: `dend[3].v`",
        ),
        _ => {
            ("a member of something", "a name with a dot is one of a compartment or a channel, or of `pre` and `post`")
        }
    };
    Diagnostic::at(Code::E0401, e.span, format!("expected a plain value, found {what}"), "wrong kind of value")
        .help(help)
}

/// `x at end of free` where nothing is kept of windows.
pub(crate) fn not_remembered(of: &ast::Expr, window: &str, span: Span) -> Diagnostic {
    let d = Diagnostic::at(Code::E0401, span, "nothing is remembered here", "only variables of cells are");
    let mut part = of;
    while let ast::ExprKind::Member(inner, _) = &part.kind {
        part = inner;
    }
    d.help(match part.kind {
        ast::ExprKind::Index(..) => format!("give it a name: `let x = …` in the neuron, then `x at end of {window}`"),
        _ => format!(
            "write `s at end of {window}` in a handler of a neuron or synapse, or of a population in an experiment"
        ),
    })
}

/// A name that is declared only below.
pub(crate) fn used_before(name: &str, span: Span, declared: Span) -> Diagnostic {
    let d = Diagnostic::at(Code::E0201, span, format!("`{name}` is used before it is declared"), "not known yet");
    d.label(declared, "declared here").help("write the declaration above what uses it")
}

/// An index of a cable that is no number of a segment.
pub(crate) fn no_segment(span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0406, span, "a segment has a whole number from 0 on", "is none")
        .help("segments are counted from the root: the last one of `dend[20]` is `dend[19]`")
}

/// A loop that has no turn.
pub(crate) fn never_repeated(span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0401, span, "this is repeated no time", "no turn")
        .help("remove the loop, or let a parameter say how often: `experiment e(turns: int = 0)`")
}

/// `1 < x < 3`
pub(crate) fn chained_comparison(span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0401, span, "what is true or false is neither larger nor smaller", "true or false")
        .help("a value lies between two others so: `x in 1 .. 3`, or `1 < x and x < 3`")
}

/// A `*` where a value should stand.
pub(crate) fn no_operand(span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0401, span, "expected a value, found `*`", "stands for all only in an index")
        .help("a power is written `x^2`")
}

/// A loop through one number.
pub(crate) fn one_turn(found: &Ty, span: Span) -> Diagnostic {
    let d = Diagnostic::at(Code::E0401, span, "expected a range or an array, found one number", "runs through what?");
    let unit = found.unit.as_ref().filter(|u| u.name != "1").map_or(String::new(), |u| format!(" {}", u.name));
    d.help(format!(
        "a loop runs through all numbers of a range, `0 .. 4` (both ends), or of an array, `[1{unit}, 2{unit}]`"
    ))
}

/// A loop without a turn.
pub(crate) fn no_turn(span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0401, span, "this range has no number in it", "goes the other way")
        .help("a range goes up from its first number to its last one; `3 .. 1 step -1` goes down")
}

/// A loop through a list of nothing.
pub(crate) fn nothing_to_go_through(span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0401, span, "this list has nothing in it", "no turn")
        .help("write what the turns are for: `for k in [1, 2, 5]`, `for k in 0 .. 9`")
}

/// What is called and no function.
pub(crate) fn not_called(callee: &ast::Expr, is_function: impl Fn(&str) -> bool) -> Diagnostic {
    let d = Diagnostic::at(Code::E0401, callee.span, "expected the name of a function", "this is none");
    let root = |mut e: &ast::Expr| loop {
        match &e.kind {
            ast::ExprKind::Member(of, _) | ast::ExprKind::Index(of, _) => e = of,
            ast::ExprKind::Name(name) => break name.clone(),
            _ => break String::new(),
        }
    };
    match &callee.kind {
        ast::ExprKind::Member(_, name) if is_function(&name.text) => {
            d.help(format!("functions stand by themselves, with what they are about in brackets: `{}(x)`", name.text))
        }
        ast::ExprKind::Member(..) => match foreign::name(&root(callee)) {
            Some(help) => d.help(help),
            None => d.help("one of several values is taken by its index: `net.exc.v[0]`"),
        },
        _ => d,
    }
}

/// Refuses in a model what only networks and experiments compute with.
pub(crate) fn no_number_of_a_cell(found: &Ty, span: Span) -> Diagnostic {
    let what = match found.shape {
        Shape::Array => "an array".to_string(),
        Shape::Matrix => "a matrix".to_string(),
        _ => found.describe(),
    };
    Diagnostic::at(Code::E0401, span, format!("expected one number, found {what}"), "wrong kind of value")
        .note("what a model or a constant says is one number for each cell or synapse")
        .help(
            "give each its own: `init cell.x = [1, 2]` in the network, `net.cell.p = [1, 2]` in the \
         experiment; name arrays with `let` there",
        )
}

pub(crate) fn condition_needed(found: &Ty, span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0405, span, format!("expected a condition, found {}", found.describe()), "not a condition")
        .help("compare it with something: `… > 0`")
}

/// Where `t` has a value outside models.
pub(crate) const WHERE_TIME_IS: &str =
    "`t` may stand in equations, in the rate of a drive, and in what an experiment assigns to an analog port";

pub(crate) fn one_number_needed(what: &str, found: &Ty, span: Span) -> Diagnostic {
    let found = if found.shape == Shape::Matrix { "a matrix" } else { "an array" };
    Diagnostic::at(Code::E0403, span, format!("{what} must be one number, not {found}"), format!("this is {found}"))
        .help("take one element, as in `x[0]`, or reduce it, as in `mean(x)`")
}

pub(crate) fn shapes_differ(a: (&Ty, Span), b: (&Ty, Span)) -> Diagnostic {
    let word = |t: &Ty| if t.shape == Shape::Matrix { "a matrix" } else { "an array" };
    Diagnostic::at(Code::E0403, b.1, "an array cannot be combined with a matrix", format!("this is {}", word(b.0)))
        .label(a.1, format!("this is {}", word(a.0)))
}

pub(crate) fn constant_needed(what: &str, kind: &str, span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0401, span, format!("{what} must be {kind} as it is written"), "not a constant")
}

pub(crate) fn not_a_probability(value: f64, span: Span) -> Diagnostic {
    let message = format!("{} is not a probability", crate::units::format_number(value));
    Diagnostic::at(Code::E0604, span, message, "must lie in 0 .. 1")
}

/// A distribution or connector that stands in an expression.
pub(crate) fn out_of_place(b: &Builtin, span: Span) -> Diagnostic {
    let (what, help) = match b.place {
        Place::Connector => ("a connector", format!("it belongs after `connect`: `connect {}`", b.signature())),
        _ => ("a distribution", format!("what is drawn is written with `~`: `let x ~ {}`", b.signature())),
    };
    Diagnostic::at(Code::E0401, span, format!("`{}` is {what}, not a value", b.name), "not a value").help(help)
}

pub(crate) fn pure_number_needed(function: &str, found: &Ty, span: Span) -> Diagnostic {
    Diagnostic::at(
        Code::E0304,
        span,
        format!("`{function}` needs a pure number"),
        format!("this is {}", found.describe()),
    )
    .help("divide by a scale of the same unit, as in `exp(v / Delta_T)`")
}

pub(crate) fn time_needed(what: &str, found: &Ty, span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0310, span, format!("{what} must be a time"), format!("this is {}", found.describe()))
        .help("write a unit of time: `20 ms`")
}

pub(crate) fn wrong_arity(function: &str, expected: &str, found: usize, span: Span) -> Diagnostic {
    let s = if expected == "1" { "" } else { "s" };
    Diagnostic::at(
        Code::E0402,
        span,
        format!("`{function}` takes {expected} argument{s}, found {found}"),
        "wrong number of arguments",
    )
}

pub(crate) fn unknown_function<'a>(name: &str, span: Span, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let help = foreign::function(name).or_else(|| nearest(name, known).map(|n| format!("did you mean `{n}`?")));
    Diagnostic::at(Code::E0210, span, format!("unknown function `{name}`"), "no such function").maybe_help(help)
}

/// An energy whose derivative is no rate of change of a state.
pub(super) fn energy_unit(name: &str, found: Dim, state: &Var, span: Span) -> Diagnostic {
    let needed = state.dim * state.dim / Dim::TIME;
    let (needed, found) = (Ty::number(needed).describe(), Ty::number(found).describe());
    Diagnostic::at(
        Code::E0301,
        span,
        format!("energy `{name}` does not fit the state `{}`", state.name),
        format!("expected {needed}, found {found}"),
    )
    .label(state.span, "descends along it")
    .note(format!("`{0}' = -d{name}/d{0}`", state.name))
    .help("divide the energy by a time constant")
}

/// A projection without a port whose synapse delivers.
pub(super) fn port_needed(post: &Neuron, deliver: Span, projection: Span) -> Diagnostic {
    let ports: Vec<&str> = post
        .vars
        .values()
        .filter(|v| matches!(v.kind, VarKind::EventPort | VarKind::AnalogPort(_)))
        .map(|v| v.name.as_str())
        .collect();
    let d = Diagnostic::at(Code::E0602, projection, "this projection needs a port", "a target is `population.port`");
    let d = d.label(deliver, "delivers to it");
    if ports.is_empty() {
        d.note(format!("`{}` has no ports", post.name))
    } else {
        d.note(format!("`{}` has the ports {}", post.name, list(&ports)))
    }
}

/// Reports a name under which nothing can be saved.
pub fn no_file_name(name: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0213, span, format!("nothing can be saved as `{name}`: {why}"), "not a name for this")
        .help("choose one plain name, such as `trained.state`, `weights.npz` or `weights.safetensors`")
}

/// Refuses an expression that is too tall or too large where its functions are written out.
pub fn too_large(span: Span) -> Diagnostic {
    Diagnostic::at(
        Code::E0107,
        span,
        "this is too large with all its functions written out",
        "too many levels, or parts",
    )
    .note(format!("functions are expanded where they are used; at most {MAX_HEIGHT} levels are accepted"))
    .help("name parts of it with `let`, or expand less")
}
