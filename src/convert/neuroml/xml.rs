//! A file as a tree of elements, with the place of each.
//!
//! Input: text. Output: the outermost element. Nesting, the number of elements and the size of the text are limited; entities of the
//! file's own are refused.

use super::place::{Outcome, Place, flaw};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::path::Path;
use std::rc::Rc;

const DEEPEST: usize = 128;
const MOST_ELEMENTS: usize = 4_000_000;
const LONGEST_TEXT: usize = 512 << 20;

/// An element of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its tag, without a namespace.
    pub name: String,
    /// What is written in its tag.
    pub attributes: Vec<Attribute>,
    /// The elements within it.
    pub children: Vec<Element>,
    /// Where its opening tag is.
    pub place: Place,
}

/// An attribute of an element.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name, without a namespace.
    pub name: String,
    /// Its value, entities resolved.
    pub value: String,
}

impl Element {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }

    /// The value of an attribute that must be there.
    pub fn need(&self, name: &str) -> Outcome<&str> {
        self.get(name).ok_or_else(|| {
            flaw(&self.place, format!("`{}` has no `{name}`", self.name), "incomplete")
                .help(format!("write `{name}=\"…\"` in this element"))
        })
    }

    /// The elements of a tag within this one.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The first element of a tag within this one.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }
}

/// Reads a text.
pub fn parse(text: &str, file: Option<Rc<Path>>) -> Outcome<Element> {
    Parser { text, file, open: Vec::new(), root: None, count: 0 }.run()
}

struct Parser<'a> {
    text: &'a str,
    file: Option<Rc<Path>>,
    open: Vec<Element>,
    root: Option<Element>,
    count: usize,
}

impl Parser<'_> {
    fn place(&self, from: u64, to: u64) -> Place {
        let length = self.text.len();
        let from = usize::try_from(from).unwrap_or(length).min(length);
        let to = usize::try_from(to).unwrap_or(length).clamp(from, length);
        let spaces = self.text.get(from..to).map_or(0, |t| t.len() - t.trim_start().len());
        Place { file: self.file.clone(), at: from + spaces..to }
    }

    fn run(mut self) -> Outcome<Element> {
        if self.text.len() > LONGEST_TEXT {
            return Err(flaw(&self.place(0, 1), "the file is larger than 512 MB", "too large"));
        }
        let text = self.text;
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        loop {
            let from = reader.buffer_position();
            let event = reader.read_event().map_err(|error| {
                let at = reader.error_position();
                flaw(&self.place(at, at + 1), format!("this is not XML: {error}"), "here").help("mend the file")
            })?;
            let place = self.place(from, reader.buffer_position());
            match event {
                Event::Start(tag) => {
                    let element = self.element(&tag, &place)?;
                    if self.open.len() >= DEEPEST {
                        return Err(flaw(&place, format!("elements are nested deeper than {DEEPEST}"), "too deep"));
                    }
                    self.open.push(element);
                }
                Event::Empty(tag) => {
                    let element = self.element(&tag, &place)?;
                    self.close(element, &place)?;
                }
                Event::End(_) => {
                    if let Some(element) = self.open.pop() {
                        self.close(element, &place)?;
                    }
                }
                Event::DocType(content) if content.contains(&b'[') => {
                    return Err(flaw(&place, "the file declares entities of its own", "refused")
                        .help("remove the declaration, and write what the entities stand for"));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if let Some(open) = self.open.last() {
            return Err(flaw(&open.place, format!("`{}` is never closed", open.name), "opened here")
                .help(format!("write `</{}>`", open.name)));
        }
        let end = self.place(0, 1);
        self.root.ok_or_else(|| flaw(&end, "the file has no element", "nothing to carry over"))
    }

    fn close(&mut self, element: Element, place: &Place) -> Outcome<()> {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None if self.root.is_some() => {
                return Err(flaw(place, "the file has two outermost elements", "the second"));
            }
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn element(&mut self, tag: &BytesStart, place: &Place) -> Outcome<Element> {
        self.count += 1;
        if self.count > MOST_ELEMENTS {
            return Err(flaw(place, format!("the file has more than {MOST_ELEMENTS} elements"), "too many"));
        }
        let name = String::from_utf8_lossy(tag.local_name().as_ref()).into_owned();
        let mut attributes: Vec<Attribute> = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| flaw(place, format!("this is not XML: {e}"), "in this tag"))?;
            let value = attribute
                .unescape_value()
                .map_err(|e| flaw(place, format!("this is not XML: {e}"), "in this tag"))?
                .trim()
                .to_string();
            let name = String::from_utf8_lossy(attribute.key.local_name().as_ref()).into_owned();
            attributes.push(Attribute { name, value });
        }
        Ok(Element { name, attributes, children: Vec::new(), place: place.clone() })
    }
}
