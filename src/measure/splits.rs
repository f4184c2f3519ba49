//! Divisions of rows into those that are fitted and those that are tested.
//!
//! Uniform numbers in [0, 1) come from the caller. How many rows go where is as in scikit-learn; which ones is not, since its
//! generator is another.

use super::flaw::{Flaw, at_least};

/// Indices of the rows to fit and of those to test, each row at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub train: Vec<usize>,
    pub test: Vec<usize>,
}

impl Split {
    /// Takes indices as they are given: none beyond `n`, and none twice.
    pub fn given(n: usize, train: Vec<usize>, test: Vec<usize>) -> Result<Split, Flaw> {
        let mut seen = vec![false; n];
        for index in train.iter().chain(&test).copied() {
            match seen.get_mut(index) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(Flaw::Index { index, n }),
            }
        }
        Ok(Split { train, test })
    }
}

/// Returns the indices below `n` in a random order (Fisher & Yates, Durstenfeld 1964): n − 1 draws.
pub fn shuffled(n: usize, draw: &mut dyn FnMut() -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, draw);
    order
}

fn shuffle(order: &mut [usize], draw: &mut dyn FnMut() -> f64) {
    for last in (1..order.len()).rev() {
        order.swap(last, below(last + 1, draw));
    }
}

/// A random index below `n`.
fn below(n: usize, draw: &mut dyn FnMut() -> f64) -> usize {
    (draw() * n as f64) as usize
}

/// Returns the `k` divisions of an order in which each of `k` consecutive parts is tested once; the first n mod k parts have one
/// row more (scikit-learn's `KFold`).
pub fn folds(order: &[usize], k: usize) -> Result<Vec<Split>, Flaw> {
    at_least("folds", k, 2)?;
    at_least("rows", order.len(), k)?;
    let (part, more) = (order.len() / k, order.len() % k);
    let start = |fold: usize| fold * part + fold.min(more);
    let split = |fold: usize| Split {
        train: [&order[..start(fold)], &order[start(fold + 1)..]].concat(),
        test: order[start(fold)..start(fold + 1)].to_vec(),
    };
    Ok((0..k).map(split).collect())
}

/// Returns a random division with `train` rows to fit and the others to test (`ShuffleSplit`).
pub fn random_split(n: usize, train: usize, draw: &mut dyn FnMut() -> f64) -> Result<Split, Flaw> {
    at_least("rows to fit", train, 1)?;
    at_least("rows", n, train + 1)?;
    let mut order = shuffled(n, draw);
    let test = order.split_off(train);
    Ok(Split { train: order, test })
}

/// Returns a random division with `train` rows to fit and the others to test, in which every class has its share of both
/// (`StratifiedShuffleSplit`); rows of either come in a random order.
///
/// `classes` is the class of each row, from 0; each that occurs has at least two members, and neither part has fewer rows than
/// there are classes.
pub fn stratified_split(classes: &[usize], train: usize, draw: &mut dyn FnMut() -> f64) -> Result<Split, Flaw> {
    let members = members(classes);
    let rare = members.iter().enumerate().find(|(_, m)| m.len() == 1);
    if let Some((class, _)) = rare {
        return Err(Flaw::Class { class, members: 1, needed: 2 });
    }
    let kinds = members.iter().filter(|m| !m.is_empty()).count();
    at_least("rows to fit", train, kinds.max(1))?;
    at_least("rows", classes.len(), train + kinds)?;
    let shares = shares(&members, train, classes.len(), draw);
    let mut split = Split { train: Vec::new(), test: Vec::new() };
    for (mut rows, share) in members.into_iter().zip(shares) {
        shuffle(&mut rows, draw);
        split.test.extend(rows.split_off(share));
        split.train.extend(rows);
    }
    shuffle(&mut split.train, draw);
    shuffle(&mut split.test, draw);
    Ok(split)
}

/// Returns the rows of each class.
fn members(classes: &[usize]) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); classes.iter().max().map_or(0, |c| c + 1)];
    classes.iter().enumerate().for_each(|(row, class)| members[*class].push(row));
    members
}

/// Returns how many of each class are fitted: its part of `train`, rounded down, and one more where most was cut off until there
/// are enough; among equals the draws decide.
fn shares(members: &[Vec<usize>], train: usize, n: usize, draw: &mut dyn FnMut() -> f64) -> Vec<usize> {
    // Whole numbers, so that equal remainders are equal.
    let part = |m: &Vec<usize>| (m.len() as u128 * train as u128, n as u128);
    let mut shares: Vec<usize> = members.iter().map(part).map(|(a, b)| (a / b) as usize).collect();
    let remainder = |class: &usize| part(&members[*class]).0 % n as u128;
    let mut order = shuffled(members.len(), draw);
    order.sort_by_key(|class| std::cmp::Reverse(remainder(class)));
    let missing = train - shares.iter().sum::<usize>();
    order.iter().take(missing).for_each(|class| shares[*class] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use super::super::samples::Draws;
    use super::*;

    fn sorted(parts: [&[usize]; 2]) -> Vec<usize> {
        let mut all = parts.concat();
        all.sort();
        all
    }

    #[test]
    fn each_row_is_fitted_or_tested() {
        let mut draws = Draws::new(30);
        let split = random_split(11, 7, &mut || draws.uniform()).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (7, 4));
        assert_eq!(sorted([&split.train, &split.test]), (0..11).collect::<Vec<_>>());
        let of = |n, train| random_split(n, train, &mut || 0.0);
        assert_eq!(of(3, 3), Err(Flaw::TooFew { what: "rows", given: 3, needed: 4 }));
        assert!(of(3, 0).is_err() && of(0, 0).is_err());
    }

    #[test]
    fn all_orders_are_equally_frequent() {
        let mut draws = Draws::new(31);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            *counts.entry(shuffled(4, &mut || draws.uniform())).or_insert(0.0) += 1.0;
        }
        assert_eq!(counts.len(), 24);
        // χ² with 23 degrees of freedom is below 49.7 with probability 0.999.
        assert!(counts.values().map(|c: &f64| (c - 1000.0).powi(2) / 1000.0).sum::<f64>() < 49.7);
    }

    #[test]
    fn folds_test_each_row_once() {
        let order = [4, 2, 0, 1, 3, 6, 5];
        let all = folds(&order, 3).unwrap();
        assert_eq!(all.iter().map(|s| s.test.clone()).collect::<Vec<_>>(), [vec![4, 2, 0], vec![1, 3], vec![6, 5]]);
        assert!(all.iter().all(|s| sorted([&s.train, &s.test]) == (0..7).collect::<Vec<_>>()));
        assert!(folds(&order, 1).is_err() && folds(&order, 8).is_err());
    }

    #[test]
    fn classes_have_their_shares() {
        let mut draws = Draws::new(32);
        let classes: Vec<usize> = (0..120).map(|i| i % 8).collect();
        let mut extra = [0; 8];
        for _ in 0..400 {
            let split = stratified_split(&classes, 108, &mut || draws.uniform()).unwrap();
            assert_eq!(sorted([&split.train, &split.test]), (0..120).collect::<Vec<_>>());
            // 13.5 of 15: half of the classes have one more, which ones is drawn.
            for (class, extra) in extra.iter_mut().enumerate() {
                let share = split.train.iter().filter(|row| *row % 8 == class).count();
                assert!(share == 13 || share == 14);
                *extra += share - 13;
            }
        }
        assert!(extra.iter().all(|e| (150..250).contains(e)), "{extra:?}");
        // The larger remainder first: 2.8 of 4 and 4.2 of 6.
        let classes: Vec<usize> = (0..10).map(|i| usize::from(i >= 4) * 2).collect();
        let split = stratified_split(&classes, 7, &mut || draws.uniform()).unwrap();
        assert_eq!(split.train.iter().filter(|row| **row < 4).count(), 3);
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        let of = |classes: &[usize], train| stratified_split(classes, train, &mut || 0.0);
        assert_eq!(of(&[0, 0, 1, 2, 2], 3), Err(Flaw::Class { class: 1, members: 1, needed: 2 }));
        assert_eq!(of(&[0, 0, 1, 1], 1), Err(Flaw::TooFew { what: "rows to fit", given: 1, needed: 2 }));
        assert_eq!(of(&[0, 0, 1, 1], 3), Err(Flaw::TooFew { what: "rows", given: 4, needed: 5 }));
        assert_eq!(Split::given(3, vec![0, 1], vec![1]), Err(Flaw::Index { index: 1, n: 3 }));
        assert_eq!(Split::given(3, vec![0], vec![3]), Err(Flaw::Index { index: 3, n: 3 }));
        assert!(Split::given(3, vec![2], vec![0]).is_ok());
    }
}
