//! Functions that read files, make data sets, and compare labels.

use super::{Arguments, Host, Refusal, room, same_length};
use crate::data::{self, Examples, Flaw, KNOWN, Numbers, Pictures, Unavailable, is_picture};
use crate::diag::Code;
use crate::units::Dim;
use crate::value::{Quantity, Value};
use std::sync::Arc;

type Given<'a> = &'a Arguments<'a>;
type Result<T = Value> = std::result::Result<T, Refusal>;

/// Reads some examples of a field: a row for each.
pub fn examples(set: &Examples, field: usize, items: &[usize]) -> Quantity {
    let f = &set.fields[field];
    let shape = if f.width == 1 { Vec::new() } else { vec![f.width] };
    let q = Quantity::array(set.rows(field, items), Dim::ONE, None);
    Quantity { rows: Some(items.len()), shape, classes: f.classes, ..q }
}

fn known(host: &dyn Host, name: &str) -> Result {
    if let Err(lack) = crate::budget::fits_all(data::bytes_to_read(name) as f64) {
        let refusal = Refusal::new(Code::E0408, format!("`{name}` does not fit into memory"), lack.to_string());
        return Err(refusal.help("let one experiment run after the other, or take a machine with more memory"));
    }
    match data::images(name, host.files()) {
        Ok(parts) => Ok(Value::Data(Arc::new(parts.into_iter().map(|(name, e)| (name, Arc::new(e))).collect()))),
        Err(why) => Err(unavailable(name, why)),
    }
}

pub fn mnist(host: &dyn Host, a: Given) -> Result {
    if !a.has(0) {
        return known(host, "mnist");
    }
    let folder = a.text(0)?;
    let parts = data::like_mnist(&folder, host.files());
    let parts = parts.map_err(|(path, flaw)| flawed(0, format!("`{path}` cannot be used"), flaw))?;
    Ok(Value::Data(Arc::new(parts.into_iter().map(|(name, e)| (name, Arc::new(e))).collect())))
}

/// An array from an idx file.
pub fn idx(host: &dyn Host, a: Given) -> Result {
    let (path, bytes) = file(host, a)?;
    match data::idx(&bytes) {
        Ok((values, shape)) => Ok(Quantity { shape, ..Quantity::array(values, Dim::ONE, None) }.into()),
        Err(flaw) => Err(flawed(0, format!("`{path}` is not an array"), flaw)),
    }
}

pub fn cifar10(host: &dyn Host, _: Given) -> Result {
    known(host, "cifar10")
}

pub fn digits(host: &dyn Host, _: Given) -> Result {
    known(host, "digits")
}

fn unavailable(name: &str, why: Unavailable) -> Refusal {
    let Some(known) = KNOWN.iter().find(|k| k.name == name) else { crate::ice!("an unknown data set") };
    match why {
        Unavailable::Missing(file) => {
            let files: Vec<String> = known.files.iter().map(|(f, digest)| format!("{f} (SHA-256 {digest})")).collect();
            let message = format!("`{name}` is not here: `{}/{file}` was not found", known.folder);
            Refusal::new(Code::E0814, message, "needs these files")
                .note(format!("{}; each plain, as .gz or as .xz:\n{}", known.about, files.join("\n")))
                .note("searched in `--data`, NEURO_DATA and the user's cache: `neuro data list` shows the folders")
                .help(format!("get them from {} and put them into a folder `{}`", known.address, known.folder))
        }
        Unavailable::Damaged(file, reason) => {
            let message = format!("`{}/{file}` is not the file of `{name}`", known.folder);
            Refusal::new(Code::E0815, message, reason).help(format!("get it anew from {}", known.address))
        }
    }
}

/// Pictures of a folder or of a zip archive as examples: `[3, size, size]` each, or `[1, size, size]`.
pub fn pictures(host: &dyn Host, a: Given) -> Result {
    let path = a.text(0)?;
    let size = a.size(1)?;
    let side = u32::try_from(size).ok().filter(|n| (1..=4096).contains(n));
    let Some(side) = side else {
        return Err(Refusal::of(1, Code::E0404, format!("pictures of {size} pixels along a side"), "from 1 to 4096"));
    };
    let mut all = Pictures::new(side, a.has(2) && a.number(2)? != 0.0);
    let unread = |reason: String| {
        let refusal = Refusal::of(0, Code::E0802, format!("cannot read `{path}`"), reason);
        refusal.help("paths count from the folder of the source file")
    };
    let unfit = |flaw| flawed(0, format!("`{path}` does not hold pictures of this kind"), flaw);
    let n = match host.files().list(&path).map_err(unread)? {
        None => all.add_archive(&host.files().read(&path).map_err(unread)?).map_err(unfit)?,
        Some(names) => {
            let names: Vec<&String> = names.iter().filter(|n| is_picture(n)).collect();
            for name in &names {
                let bytes = host.files().read(&format!("{path}/{name}")).map_err(unread)?;
                all.add(name, &bytes).map_err(unfit)?;
            }
            names.len()
        }
    };
    let fields = vec![("image".to_string(), None, all.numbers())];
    match Examples::new(&path, fields, Some(n)) {
        Ok(set) => {
            let order = Arc::new((0..set.n).collect());
            Ok(Value::Examples(Arc::new(set), order))
        }
        Err(_) => {
            Err(unfit(Flaw::new("there is no PNG or JPEG file in it", "name a folder or a zip archive of pictures")))
        }
    }
}

/// `dataset(x = …, y = …)`
pub fn dataset(_: &dyn Host, a: Given) -> Result {
    let mut count = if a.has(0) { Some(a.size(0)?) } else { None };
    let mut fields = Vec::new();
    for (name, value) in a.fields {
        let Value::Quantity(q) = value else {
            return Err(Refusal::new(Code::E0401, format!("`{name}` is {}", value.kind()), "a field holds numbers"));
        };
        // A matrix has a row for each example.
        if q.shape.len() > 1 {
            count = count.or(Some(q.shape[0]));
        }
        fields.push((name.clone(), q.classes, Numbers::Reals(q.data.to_vec())));
    }
    match Examples::new("dataset", fields, count) {
        Ok(set) => {
            let order = Arc::new((0..set.n).collect());
            Ok(Value::Examples(Arc::new(set), order))
        }
        Err(why) => Err(Refusal::new(Code::E0403, "these fields do not make a data set", why)),
    }
}

/// The index of one of `n` classes.
fn class(x: f64, n: usize, argument: usize) -> Result<usize> {
    match x.fract() == 0.0 && x >= 0.0 && x < n as f64 {
        true => Ok(x as usize),
        false => Err(Refusal::of(argument, Code::E0404, format!("{x} is not one of {n} classes"), "out of range")),
    }
}

/// 1 at the index of each label.
pub fn one_hot(_: &dyn Host, a: Given) -> Result {
    let label = a.quantity(0)?;
    let classes = match (a.has(1), label.classes) {
        (true, _) => a.size(1)?,
        (false, Some(n)) => n as usize,
        (false, None) => {
            let refusal = Refusal::new(Code::E0402, "of how many classes?", "these labels do not say");
            return Err(refusal.help("write `one_hot(label, 10)`"));
        }
    };
    let mut data = vec![0.0; room(&[label.data.len(), classes], 1)?];
    for (k, l) in label.data.iter().enumerate() {
        data[k * classes + class(*l, classes, 0)?] = 1.0;
    }
    let rows = if label.is_single() { None } else { Some(label.data.len()) };
    Ok(Quantity { rows, shape: vec![classes], ..Quantity::array(data, Dim::ONE, None) }.into())
}

/// Counts of pairs of classes, row after row.
pub fn confusion(_: &dyn Host, a: Given) -> Result {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    same_length(&x, &y)?;
    let n = match (a.has(2), x.classes.or(y.classes)) {
        (true, _) => a.size(2)?,
        (false, Some(n)) => n as usize,
        // What is no class is refused below.
        (false, None) => (x.data.iter().chain(y.data.iter()).copied().fold(0.0, f64::max) as usize).saturating_add(1),
    };
    let mut counts = vec![0.0; room(&[n, n], 2)?];
    for (p, q) in x.data.iter().zip(y.data.iter()) {
        counts[class(*p, n, 0)? * n + class(*q, n, 1)?] += 1.0;
    }
    Ok(Quantity::array(counts, Dim::ONE, None).into())
}

/// The content of the file that the first argument names.
fn file(host: &dyn Host, a: Given) -> Result<(Arc<str>, Vec<u8>)> {
    let path = a.text(0)?;
    match host.files().read(&path) {
        Ok(bytes) => Ok((path, bytes)),
        Err(reason) => {
            let refusal = Refusal::of(0, Code::E0802, format!("cannot read `{path}`"), reason);
            Err(refusal.help("paths count from the folder of the source file"))
        }
    }
}

/// Refuses the content of a file.
fn flawed(argument: usize, message: impl Into<String>, flaw: Flaw) -> Refusal {
    Refusal::of(argument, Code::E0803, message, flaw.what).help(flaw.fix)
}

pub fn csv(host: &dyn Host, a: Given) -> Result {
    let (path, bytes) = file(host, a)?;
    let table = data::csv(&path, &bytes, None, &|_| true);
    let t = table.map_err(|flaw| flawed(0, format!("`{path}` is not a table"), flaw))?;
    Ok(Value::Table(Arc::new(t)))
}

/// A table from a CSV file, whose rows may have names.
pub fn named_csv(host: &dyn Host, a: Given) -> Result {
    let table = csv(host, a)?;
    named(table, a)
}

/// The same from a Parquet file.
pub fn named_parquet(host: &dyn Host, a: Given) -> Result {
    let (path, bytes) = file(host, a)?;
    let table = data::parquet(&path, bytes, &|_| true);
    let t = table.map_err(|flaw| flawed(0, format!("`{path}` is not a table"), flaw))?;
    named(Value::Table(Arc::new(t)), a)
}

/// The same from an Arrow file.
pub fn named_arrow(host: &dyn Host, a: Given) -> Result {
    let (path, bytes) = file(host, a)?;
    let table = data::arrow(&path, &bytes, &|_| true);
    let t = table.map_err(|flaw| flawed(0, format!("`{path}` is not a table"), flaw))?;
    named(Value::Table(Arc::new(t)), a)
}

/// The same from a list of objects in a JSON file.
pub fn named_json(host: &dyn Host, a: Given) -> Result {
    let (path, bytes) = file(host, a)?;
    let given = |k: usize| if a.has(k) { a.text(k).map(Some) } else { Ok(None) };
    let (list, each) = (given(2)?, given(3)?);
    let table = data::json(&path, &bytes, list.as_deref(), each.as_deref());
    let t = table.map_err(|flaw| flawed(0, format!("`{path}` is not a table"), flaw))?;
    named(Value::Table(Arc::new(t)), a)
}

/// Lets a column name the rows of a table, if one is given.
fn named(table: Value, a: Given) -> Result {
    let Value::Table(t) = table else { return a.wrong(0, "a table") };
    if !a.has(1) {
        return Ok(Value::Table(t));
    }
    let t = Arc::unwrap_or_clone(t).named_by(&a.text(1)?);
    Ok(Value::Table(Arc::new(t.map_err(|flaw| flawed(1, "this column does not name the rows", flaw))?)))
}

/// The rows of a table for which a condition holds.
pub fn filter(_: &dyn Host, a: Given) -> Result {
    let (t, keep) = (a.table(0)?, a.quantity(1)?);
    if keep.is_single() {
        let all = vec![keep.data[0] != 0.0; t.rows()];
        return Ok(Value::Table(Arc::new(t.filtered(&all))));
    }
    if keep.data.len() != t.rows() {
        let message = format!("{} values for {} rows", keep.data.len(), t.rows());
        let refusal = Refusal::of(1, Code::E0403, message, "one for each row is needed");
        return Err(refusal.help("compare columns of this table: `filter(cells, cells.type == \"KC\")`"));
    }
    let keep: Vec<bool> = keep.data.iter().map(|x| *x != 0.0).collect();
    Ok(Value::Table(Arc::new(t.filtered(&keep))))
}

/// 1 for each text that satisfies a predicate, 0 for the others.
fn each_text(a: Given, fits: impl Fn(&str, &str) -> bool) -> Result {
    let (Some(Value::Texts(all)), wanted) = (a.value(0), a.text(1)?) else { return a.wrong(0, "a column of texts") };
    let found = all.iter().map(|x| f64::from(u8::from(fits(x, &wanted)))).collect();
    Ok(Quantity::array(found, Dim::ONE, None).into())
}

pub fn starts_with(_: &dyn Host, a: Given) -> Result {
    each_text(a, |x, y| x.starts_with(y))
}

pub fn ends_with(_: &dyn Host, a: Given) -> Result {
    each_text(a, |x, y| x.ends_with(y))
}

pub fn contains(_: &dyn Host, a: Given) -> Result {
    each_text(a, |x, y| x.contains(y))
}

pub fn npy(host: &dyn Host, a: Given) -> Result {
    let (path, bytes) = file(host, a)?;
    match data::npy(&bytes, if a.has(1) { Some(a.number(1)?) } else { None }) {
        Ok((values, shape)) => Ok(Quantity { shape, ..Quantity::array(values, Dim::ONE, None) }.into()),
        Err(flaw) => Err(flawed(0, format!("`{path}` is not an array"), flaw)),
    }
}

pub fn npz(host: &dyn Host, a: Given) -> Result {
    let (path, bytes) = file(host, a)?;
    match data::npz_array(&bytes, &a.text(1)?, if a.has(2) { Some(a.number(2)?) } else { None }) {
        Ok((values, shape)) => Ok(Quantity { shape, ..Quantity::array(values, Dim::ONE, None) }.into()),
        Err(flaw) => Err(flawed(0, format!("`{path}` has no such array of numbers"), flaw)),
    }
}

pub fn rows(_: &dyn Host, a: Given) -> Result {
    Ok(Quantity::pure(a.table(0)?.rows() as f64).into())
}

/// A column of a table as numbers.
pub fn column(host: &dyn Host, a: Given) -> Result {
    let table = match a.value(0) {
        Some(Value::Text(_)) => csv(host, a)?,
        Some(other) => other.clone(),
        None => return a.wrong(0, "a table"),
    };
    let Value::Table(t) = table else { return a.wrong(0, "a table") };
    let name = a.text(1)?;
    match t.numbers(&name, if a.has(2) { Some(a.number(2)?) } else { None }) {
        Ok(v) => Ok(Quantity::array(v, Dim::ONE, None).into()),
        Err(flaw) => Err(flawed(1, "this column cannot be read as numbers", flaw)),
    }
}

/// The texts of a column.
fn texts<'t>(t: &'t data::Table, name: &str) -> Result<&'t data::Texts> {
    match t.texts(name) {
        Ok(column) => Ok(column),
        Err(_) => Err(Refusal::of(1, Code::E0205, t.no_column(name), "no such column")),
    }
}

/// 1 for each row whose column has a text, or begins with it.
pub fn matches(_: &dyn Host, a: Given) -> Result {
    let (t, name, wanted) = (a.table(0)?, a.text(1)?, a.text(2)?);
    let begins = a.has(3) && a.number(3)? != 0.0;
    let fits = |x: &str| if begins { x.starts_with(&*wanted) } else { *x == *wanted };
    let found = texts(&t, &name)?.iter().map(|x| f64::from(u8::from(fits(x)))).collect();
    Ok(Quantity::array(found, Dim::ONE, None).into())
}

/// The number of each row's text among the different ones, in the order in which they first occur.
pub fn labels(_: &dyn Host, a: Given) -> Result {
    let (t, name) = (a.table(0)?, a.text(1)?);
    let mut known = indexmap::IndexSet::new();
    let found = texts(&t, &name)?.iter().map(|x| known.insert_full(x).0 as f64).collect();
    Ok(Quantity { classes: Some(known.len() as u32), ..Quantity::array(found, Dim::ONE, None) }.into())
}

pub fn count_where(_: &dyn Host, a: Given) -> Result {
    let (t, name, wanted) = (a.table(0)?, a.text(1)?, a.text(2)?);
    Ok(Quantity::pure(texts(&t, &name)?.iter().filter(|x| **x == *wanted).count() as f64).into())
}
