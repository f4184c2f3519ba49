//! Tables from JSON: a list of objects, whose members are the columns.

use super::{Flaw, Table, Texts, inflate};
use indexmap::IndexMap;
use serde_json::Value;

/// Reads a list of objects: the file, or its member `list`. With `each`, the name of a member that is a list itself, there is a row for each of
/// its elements; what an element is made of are columns like `offsets.0.1`. Other lists and objects within objects are no columns.
pub fn json(file: &str, bytes: &[u8], list: Option<&str>, each: Option<&str>) -> Result<Table, Flaw> {
    let text = inflate::text(bytes)?;
    let whole: Value =
        serde_json::from_slice(&text).map_err(|e| Flaw::new(format!("it is not JSON: {e}"), "save it anew as JSON"))?;
    let found = match list {
        Some(name) => whole.get(name),
        None => Some(&whole),
    };
    let Some(objects) = found.and_then(Value::as_array) else {
        let lists =
            whole.as_object().into_iter().flatten().filter(|(_, v)| v.is_array()).map(|(k, _)| format!("\"{k}\""));
        let lists: Vec<String> = lists.collect();
        let fix = match lists.is_empty() {
            true => "a table is a list of objects".to_string(),
            false => format!("name one of its lists: {}", lists.join(", ")),
        };
        return Err(Flaw::new("there is no list of objects here", fix));
    };
    let (mut columns, mut rows): (IndexMap<String, Vec<String>>, usize) = (IndexMap::new(), 0);
    for (k, object) in objects.iter().enumerate() {
        let Some(members) = object.as_object() else {
            return Err(Flaw::new(format!("element {k} is not an object"), "a table is a list of objects"));
        };
        let mut common: Vec<(String, String)> = Vec::new();
        for (name, value) in members {
            common.extend(scalar(value).map(|text| (name.clone(), text)));
        }
        let elements = match each {
            None => vec![Vec::new()],
            Some(each) => match members.get(each).and_then(Value::as_array) {
                Some(elements) => elements.iter().map(|e| parts(each, e)).collect(),
                None => {
                    let what = format!("element {k} has no list `{each}`");
                    return Err(Flaw::new(what, "every object needs it: an empty one is no row"));
                }
            },
        };
        for element in elements {
            for (name, text) in common.iter().chain(&element) {
                let column = columns.entry(name.clone()).or_default();
                // What earlier objects do not have is empty.
                column.resize(rows, String::new());
                column.push(text.clone());
            }
            rows += 1;
        }
    }
    let filled = |(name, mut column): (String, Vec<String>)| {
        column.resize(rows, String::new());
        (name, Texts::from(column))
    };
    let columns: Vec<(String, Texts)> = columns.into_iter().map(filled).collect();
    Ok(Table::new(file, columns.iter().map(|(name, _)| name.clone()).collect(), columns, rows))
}

/// A value as the text of a cell; none of lists and objects.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::String(s) => Some(s.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// What an element is made of, each part with its path.
fn parts(path: &str, element: &Value) -> Vec<(String, String)> {
    match element {
        Value::Array(list) => list.iter().enumerate().flat_map(|(k, e)| parts(&format!("{path}.{k}"), e)).collect(),
        Value::Object(members) => members.iter().flat_map(|(k, e)| parts(&format!("{path}.{k}"), e)).collect(),
        single => scalar(single).map(|text| (path.to_string(), text)).into_iter().collect(),
    }
}
