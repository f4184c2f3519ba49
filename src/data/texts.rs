//! A column of texts, kept in one piece of memory.

use serde::{Deserialize, Serialize};

/// Texts one after the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Texts {
    text: String,
    /// Where each ends in `text`.
    ends: Vec<usize>,
}

impl Texts {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Returns the k-th.
    pub fn at(&self, k: usize) -> &str {
        let begin = k.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[k]]
    }

    /// Returns the k-th, if there is one.
    pub fn get(&self, k: usize) -> Option<&str> {
        (k < self.len()).then(|| self.at(k))
    }

    /// Returns all of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|k| self.at(k))
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(all: I) -> Texts {
        let mut out = Texts::default();
        all.into_iter().for_each(|text| out.push(text));
        out
    }
}

impl From<Vec<String>> for Texts {
    fn from(all: Vec<String>) -> Texts {
        all.iter().map(String::as_str).collect()
    }
}

impl From<Texts> for Vec<String> {
    fn from(all: Texts) -> Vec<String> {
        all.iter().map(str::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn texts_come_back_also_empty_ones() {
        let texts: Texts = ["", "a", "", "µm"].into_iter().collect();
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["", "a", "", "µm"]);
        assert_eq!((texts.len(), texts.at(3)), (4, "µm"));
    }
}
