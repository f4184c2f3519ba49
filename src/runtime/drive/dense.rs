//! Numbers of events for all cells of a drive at once, by comparing a random number per cell with the thresholds of the cumulative
//! distribution. Sixteen bits decide nearly always; sixteen more are drawn for a cell whose number equals a threshold's upper half.

/// Cells at a time; their numbers stay in registers while the thresholds pass.
const TOGETHER: usize = 64;

/// What is drawn for a range of cells.
pub struct Dense<'a, R: Fn(usize) -> u16> {
    /// Thresholds in units of 2^-32, ascending.
    pub table: &'a [u32],
    /// The upper halves of the random numbers, one per cell.
    pub upper: &'a [u16],
    /// Draws the lower half for a cell.
    pub lower: R,
}

/// Sums of either precision.
pub trait Sum: Copy {
    /// Adds a weight so many times over.
    fn add(&mut self, weight: Self, count: u16);
}

impl Sum for f32 {
    #[inline(always)]
    fn add(&mut self, weight: f32, count: u16) {
        *self += weight * f32::from(count);
    }
}

impl Sum for f64 {
    #[inline(always)]
    fn add(&mut self, weight: f64, count: u16) {
        *self += weight * f64::from(count);
    }
}

impl<R: Fn(usize) -> u16> Dense<'_, R> {
    /// Adds `weight` times the number of events to the sum of each cell.
    pub fn add<F: Sum>(&self, weight: F, sums: &mut [F]) {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq") {
                // SAFETY: the processor has the features.
                return unsafe { self.with_avx512(weight, sums) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has the feature.
                return unsafe { self.with_avx2(weight, sums) };
            }
        }
        self.each(weight, sums);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq")]
    unsafe fn with_avx512<F: Sum>(&self, weight: F, sums: &mut [F]) {
        self.each(weight, sums);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn with_avx2<F: Sum>(&self, weight: F, sums: &mut [F]) {
        self.each(weight, sums);
    }

    #[inline(always)]
    fn each<F: Sum>(&self, weight: F, sums: &mut [F]) {
        // No number is above the upper half of the last thresholds, whose events are the rarest; one of them tells for all.
        let common = self.table.partition_point(|t| t >> 16 < 0xffff);
        let (blocks, rest) = self.upper.as_chunks::<TOGETHER>();
        let (sums, last) = sums.split_at_mut(blocks.len() * TOGETHER);
        for (b, (block, sums)) in blocks.iter().zip(sums.chunks_exact_mut(TOGETHER)).enumerate() {
            let mut counts = tally(&self.table[..common], block);
            if is_undecided(&self.table[..self.table.len().min(common + 1)], block) {
                counts = self.exact(b * TOGETHER);
            }
            counts.iter().zip(sums).for_each(|(n, sum)| sum.add(weight, *n));
        }
        for (i, sum) in last.iter_mut().take(rest.len()).enumerate() {
            sum.add(weight, self.count(blocks.len() * TOGETHER + i));
        }
    }

    /// The numbers of events of a block, one by one.
    #[cold]
    #[inline(never)]
    fn exact(&self, first: usize) -> [u16; TOGETHER] {
        std::array::from_fn(|i| self.count(first + i))
    }

    /// The number of events of one cell: thresholds not above its 32 bits.
    fn count(&self, cell: usize) -> u16 {
        let upper = self.upper[cell];
        let undecided = self.table.iter().any(|t| (t >> 16) as u16 == upper);
        let word = u32::from(upper) << 16 | if undecided { u32::from((self.lower)(cell)) } else { 0 };
        self.table.partition_point(|t| *t <= word) as u16
    }
}

/// How many thresholds' upper halves are below each number.
#[inline(always)]
fn tally(table: &[u32], block: &[u16; TOGETHER]) -> [u16; TOGETHER] {
    let mut counts = [0u16; TOGETHER];
    for t in table {
        let t = (t >> 16) as u16;
        counts.iter_mut().zip(block).for_each(|(n, upper)| *n += u16::from(*upper > t));
    }
    counts
}

/// Whether some number equals a threshold's upper half.
#[inline(always)]
fn is_undecided(table: &[u32], block: &[u16; TOGETHER]) -> bool {
    let mut any = 0u16;
    for t in table {
        let t = (t >> 16) as u16;
        any |= block.iter().fold(0, |any, upper| any | u16::from(*upper == t));
    }
    any != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_decide_as_whole_numbers_do() {
        let table = [1 << 30, (1 << 30) + 5, (1 << 30) + (1 << 16), 3 << 30];
        let words: Vec<u32> = (0..200u32).map(|i| if i % 3 == 0 { (1 << 30) + i % 7 } else { i << 24 }).collect();
        let upper: Vec<u16> = words.iter().map(|w| (w >> 16) as u16).collect();
        let dense = Dense { table: &table, upper: &upper, lower: |i| words[i] as u16 };
        let wanted = |w: &u32| table.iter().filter(|t| *w >= **t).count() as f64;
        let (mut singles, mut doubles) = (vec![1.0f32; 200], vec![1.0f64; 200]);
        dense.add(2.0, &mut singles);
        dense.add(2.0, &mut doubles);
        for (i, w) in words.iter().enumerate() {
            assert_eq!(doubles[i], 1.0 + 2.0 * wanted(w), "{w:x}");
            assert_eq!(f64::from(singles[i]), doubles[i]);
        }
    }
}
