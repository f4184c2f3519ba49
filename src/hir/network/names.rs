//! The names of a body that are visible, innermost last, found in one step however many there are.

use crate::hir::typed::LocalId;
use std::collections::HashMap;

/// Visible names. A later one hides an earlier one of the same spelling until its block ends.
#[derive(Default)]
pub struct Names {
    list: Vec<(String, LocalId)>,
    /// By spelling: what it stands for, innermost last.
    meanings: HashMap<String, Vec<LocalId>>,
}

impl Names {
    /// Finds what a name stands for.
    pub fn find(&self, name: &str) -> Option<LocalId> {
        self.meanings.get(name)?.last().copied()
    }

    /// Makes a name visible.
    pub fn push(&mut self, (name, id): (String, LocalId)) {
        self.meanings.entry(name.clone()).or_default().push(id);
        self.list.push((name, id));
    }

    /// Returns how many there are, to come back to with `leave`.
    pub fn depth(&self) -> usize {
        self.list.len()
    }

    /// Forgets the names of a block and returns them.
    pub fn leave(&mut self, depth: usize) -> Vec<(String, LocalId)> {
        let inner = self.list.split_off(depth);
        for (name, _) in inner.iter().rev() {
            self.meanings.get_mut(name).and_then(Vec::pop);
        }
        inner
    }

    /// Returns those that have become visible since there were so many.
    pub fn since(&self, depth: usize) -> impl Iterator<Item = &(String, LocalId)> {
        self.list.iter().skip(depth)
    }

    /// Returns all of them.
    pub fn iter(&self) -> impl Iterator<Item = &(String, LocalId)> {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_hidden_is_there_again_after_the_block() {
        let mut names = Names::default();
        let id = LocalId::from_u32;
        names.push(("a".into(), id(0)));
        let depth = names.depth();
        names.push(("a".into(), id(1)));
        names.push(("b".into(), id(2)));
        assert_eq!((names.find("a"), names.find("b")), (Some(id(1)), Some(id(2))));
        assert_eq!(names.leave(depth).len(), 2);
        assert_eq!((names.find("a"), names.find("b")), (Some(id(0)), None));
    }
}
