//! How well a fit predicts what it has not seen, and how well repetitions of a measurement predict each other: Schrimpf et al.
//! 2020, Neuron 108:413, as Brain-Score computes it.

use super::flaw::{Flaw, at_least, equal, finite};
use super::regression::Linear;
use super::splits::Split;
use super::{correlation, mean, median, variance};
use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

/// A correlation for each split and column, and what they amount to.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Splits x columns.
    pub correlations: Array2<f64>,
    /// The median over columns of each split.
    pub splits: Vec<f64>,
    /// The mean over splits of these medians.
    pub center: f64,
    /// Their standard deviation (divided by n), divided by √n.
    pub error: f64,
}

impl Score {
    fn of(correlations: Array2<f64>) -> Option<Score> {
        let splits: Vec<f64> = correlations.rows().into_iter().filter_map(|r| median(&r.to_vec())).collect();
        let error = (variance(&splits)? / splits.len() as f64).sqrt();
        Some(Score { center: mean(&splits)?, error, splits, correlations })
    }
}

/// Fits Y (n x q) by X (n x p).
pub type Fit<'a> = dyn Fn(ArrayView2<f64>, ArrayView2<f64>) -> Result<Linear, Flaw> + 'a;

/// Returns the Pearson correlations between each column of Y (n x q) in the rows that a split tests and what `fit` predicts for
/// them from X (n x p), after it has seen X and Y in the rows to fit.
///
/// A column that does not vary in the rows tested, or is predicted not to, has no correlation: the flaw says which.
pub fn predictivity(x: ArrayView2<f64>, y: ArrayView2<f64>, splits: &[Split], fit: &Fit) -> Result<Score, Flaw> {
    equal("rows", x.nrows(), y.nrows())?;
    finite(x.iter().chain(&y))?;
    score(y.ncols(), splits, x.nrows(), |split, at| {
        let rows = |m: &ArrayView2<f64>, indices: &[usize]| m.select(Axis(0), indices);
        let linear = fit(rows(&x, &split.train).view(), rows(&y, &split.train).view())?;
        let predicted = linear.predict(rows(&x, &split.test).view())?;
        columns(&predicted, &rows(&y, &split.test), at)
    })
}

/// Returns how well halves of the repetitions (repetition x image x cell) predict each other: Pearson's correlation r over images
/// between the means of both halves, corrected for the halving to 2r / (1 + r) (Spearman 1910, Brown 1910).
///
/// The halves are the two parts of each split, indices of repetitions. `measured` says which values there are, if not all; a mean is
/// over those, and an image that a half has no value of is left out for that cell.
pub fn ceiling(
    repetitions: ArrayView3<f64>,
    measured: Option<ArrayView3<bool>>,
    halves: &[Split],
) -> Result<Score, Flaw> {
    let (n, images, cells) = repetitions.dim();
    if let Some(measured) = measured {
        let given = measured.dim();
        equal("repetitions", n, given.0)?;
        equal("images", images, given.1)?;
        equal("cells", cells, given.2)?;
    }
    let there = |i: usize, image: usize, cell: usize| measured.is_none_or(|m| m[[i, image, cell]]);
    finite(repetitions.indexed_iter().filter(|((i, j, k), _)| there(*i, *j, *k)).map(|(_, v)| v))?;
    let average = |half: &[usize], image: usize, cell: usize| {
        let values = half.iter().filter(|i| there(**i, image, cell)).map(|i| repetitions[[*i, image, cell]]);
        mean(&values.collect::<Vec<_>>())
    };
    score(cells, halves, n, |split, at| {
        let reliability = |cell: usize| {
            let pairs = (0..images)
                .filter_map(|image| Some((average(&split.train, image, cell)?, average(&split.test, image, cell)?)));
            let (first, second): (Vec<f64>, Vec<f64>) = pairs.unzip();
            // Opposite halves have no reliability.
            let r = correlation(&first, &second).filter(|r| *r > -1.0);
            r.map(|r| 2.0 * r / (1.0 + r)).ok_or(Flaw::Constant { split: at, column: cell })
        };
        (0..cells).map(reliability).collect()
    })
}

/// Returns the score of the correlations that `each` finds for a split of `n` and its number.
fn score(
    columns: usize,
    splits: &[Split],
    n: usize,
    each: impl Fn(&Split, usize) -> Result<Vec<f64>, Flaw>,
) -> Result<Score, Flaw> {
    at_least("splits", splits.len(), 1)?;
    at_least("columns", columns, 1)?;
    let mut all = Array2::zeros((splits.len(), columns));
    for (at, (split, mut row)) in splits.iter().zip(all.rows_mut()).enumerate() {
        if let Some(index) = split.train.iter().chain(&split.test).copied().find(|i| *i >= n) {
            return Err(Flaw::Index { index, n });
        }
        row.assign(&ndarray::Array1::from(each(split, at)?));
    }
    Score::of(all).ok_or(Flaw::TooFew { what: "splits", given: 0, needed: 1 })
}

fn columns(predicted: &Array2<f64>, given: &Array2<f64>, split: usize) -> Result<Vec<f64>, Flaw> {
    let pairs = predicted.columns().into_iter().zip(given.columns()).enumerate();
    pairs
        .map(|(column, (a, b))| correlation(&a.to_vec(), &b.to_vec()).ok_or(Flaw::Constant { split, column }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::pls::pls;
    use super::super::regression::ridge;
    use super::super::samples::{Draws, close};
    use super::super::similarity::{dissimilarity, rank_correlation};
    use super::super::splits::random_split;
    use super::*;
    use ndarray::Array3;
    use serde_json::Value;

    /// A table of tests/oracle/brainscore without its first lines and columns.
    fn table(text: &str, lines: usize, columns: usize) -> Array2<f64> {
        let row = |line: &str| line.split(',').skip(columns).map(|v| v.parse().unwrap()).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = text.lines().skip(lines).map(row).collect();
        Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
    }

    fn data() -> (Array2<f64>, Array2<f64>) {
        let x = table(include_str!("../../tests/oracle/brainscore/X.csv"), 0, 0);
        (x, table(include_str!("../../tests/oracle/brainscore/Y.csv"), 0, 0))
    }

    fn repetitions() -> Array3<f64> {
        let all = table(include_str!("../../tests/oracle/brainscore/Y_reps.csv"), 1, 2);
        all.into_shape_with_order((10, 120, 12)).unwrap()
    }

    fn known() -> Value {
        serde_json::from_str(include_str!("../../tests/oracle/brainscore/splits_and_expected.json")).unwrap()
    }

    fn splits(all: &Value, first: &str, second: &str, n: usize) -> Vec<Split> {
        let indices = |v: &Value| v.as_array().unwrap().iter().map(|i| i.as_u64().unwrap() as usize).collect();
        let split = |s: &Value| Split::given(n, indices(&s[first]), indices(&s[second])).unwrap();
        all.as_array().unwrap().iter().map(split).collect()
    }

    fn by_pls(x: &Array2<f64>, y: &Array2<f64>, splits: &[Split], components: usize) -> Score {
        let fit = |x: ArrayView2<f64>, y: ArrayView2<f64>| Ok(pls(x, y, components)?.linear);
        predictivity(x.view(), y.view(), splits, &fit).unwrap()
    }

    #[test]
    fn the_worked_example_scores_as_in_scikit_learn() {
        let (x, y) = data();
        let known = known();
        let splits = splits(&known["score_splits"], "train", "test", 120);
        let found = by_pls(&x, &y, &splits, 25);
        close(&[found.center, found.error], &[0.6803414835, 0.0168030733], 1e-10);
        let r = known["expected"]["r_split_by_neuroid"].as_array().unwrap();
        let r: Vec<f64> = r.iter().flat_map(|s| s.as_array().unwrap()).map(|v| v.as_f64().unwrap()).collect();
        close(&found.correlations, &r, 1e-11);
        let sweep = [(1, 0.487247), (5, 0.805984), (10, 0.772381), (50, 0.626020)];
        for (components, center) in sweep {
            close(&[by_pls(&x, &y, &splits, components).center], &[center], 5.1e-7);
        }
    }

    #[test]
    fn the_ceiling_of_the_worked_example() {
        let halves = splits(&known()["ceiling_splits"], "half1", "half2", 10);
        let found = ceiling(repetitions().view(), None, &halves).unwrap();
        close(&[found.center, found.error], &[0.9501005901, 0.0009732030], 1e-10);
    }

    #[test]
    fn representations_of_the_worked_example() {
        let (x, y) = data();
        let (a, b) = (dissimilarity(x.view()).unwrap(), dissimilarity(y.view()).unwrap());
        close(&[rank_correlation(&a, &b).unwrap()], &[0.5733811827], 1e-10);
    }

    #[test]
    fn what_is_the_same_predicts_itself() {
        let mut draws = Draws::new(80);
        let x = draws.matrix(30, 25);
        let splits: Vec<Split> = (0..10).map(|_| random_split(30, 27, &mut || draws.uniform()).unwrap()).collect();
        let found = by_pls(&x, &x, &splits, 25);
        close(&[found.center, found.error], &[1.0, 0.0], 1e-9);
        let repeated = Array3::from_shape_fn((4, 30, 25), |(_, i, j)| x[[i, j]]);
        let halves = [Split::given(4, vec![0, 2], vec![1, 3]).unwrap()];
        close(&[ceiling(repeated.view(), None, &halves).unwrap().center], &[1.0], 1e-12);
    }

    #[test]
    fn missing_repetitions_are_left_out() {
        let halves = splits(&known()["ceiling_splits"], "half1", "half2", 10);
        let mut with = repetitions();
        let mut measured = Array3::from_elem(with.dim(), true);
        // Cell 3 has no value of image 7 in the first half of the first division; all others lack a repetition of image 9.
        for i in halves[0].train.iter().copied() {
            (measured[[i, 7, 3]], with[[i, 7, 3]]) = (false, f64::NAN);
        }
        (measured[[0, 9, 5]], with[[0, 9, 5]]) = (false, f64::INFINITY);
        let found = ceiling(with.view(), Some(measured.view()), &halves[..1]).unwrap();
        let whole = ceiling(repetitions().view(), None, &halves[..1]).unwrap();
        let without = repetitions().select(Axis(1), &(0..120).filter(|i| *i != 7).collect::<Vec<_>>());
        let without = ceiling(without.view(), None, &halves[..1]).unwrap();
        assert_eq!(found.correlations[[0, 3]], without.correlations[[0, 3]]);
        assert_eq!(found.correlations[[0, 4]], whole.correlations[[0, 4]]);
        assert_ne!(found.correlations[[0, 5]], whole.correlations[[0, 5]]);
        assert_eq!(ceiling(with.view(), None, &halves), Err(Flaw::NotFinite));
    }

    #[test]
    fn what_has_no_correlation_is_named() {
        let mut draws = Draws::new(81);
        let (x, mut y) = (draws.matrix(20, 3), draws.matrix(20, 4));
        let splits: Vec<Split> = (0..3).map(|_| random_split(20, 15, &mut || draws.uniform()).unwrap()).collect();
        let fit = |x: ArrayView2<f64>, y: ArrayView2<f64>| ridge(x, y, 1.0);
        splits[1].test.iter().for_each(|i| y[[*i, 2]] = 0.1);
        let flaw = Flaw::Constant { split: 1, column: 2 };
        assert_eq!(predictivity(x.view(), y.view(), &splits, &fit), Err(flaw));
        let of = |splits: &[Split]| predictivity(x.view(), y.view(), splits, &fit);
        assert_eq!(of(&[]), Err(Flaw::TooFew { what: "splits", given: 0, needed: 1 }));
        assert_eq!(of(&[Split { train: vec![0, 20], test: vec![1] }]), Err(Flaw::Index { index: 20, n: 20 }));
    }
}
