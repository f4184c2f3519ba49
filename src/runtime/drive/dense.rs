//! Numbers of events for all cells of a drive at once, by comparing a random word per cell with the thresholds of the cumulative
//! distribution.

/// Cells at a time; their numbers stay in registers while the thresholds pass.
const TOGETHER: usize = 64;

/// Adds `weight` times the number of thresholds not above its word to each sum.
pub fn add_f32(table: &[u32], words: &[u32], weight: f32, sums: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has the features.
            return unsafe { f32_avx512(table, words, weight, sums) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature.
            return unsafe { f32_avx2(table, words, weight, sums) };
        }
    }
    each(table, words, sums, |count, sum| *sum += weight * count as f32);
}

/// The same in double precision.
pub fn add_f64(table: &[u32], words: &[u32], weight: f64, sums: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has the features.
            return unsafe { f64_avx512(table, words, weight, sums) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature.
            return unsafe { f64_avx2(table, words, weight, sums) };
        }
    }
    each(table, words, sums, |count, sum| *sum += weight * f64::from(count));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn f32_avx512(table: &[u32], words: &[u32], weight: f32, sums: &mut [f32]) {
    each(table, words, sums, |count, sum| *sum += weight * count as f32);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn f32_avx2(table: &[u32], words: &[u32], weight: f32, sums: &mut [f32]) {
    each(table, words, sums, |count, sum| *sum += weight * count as f32);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn f64_avx512(table: &[u32], words: &[u32], weight: f64, sums: &mut [f64]) {
    each(table, words, sums, |count, sum| *sum += weight * f64::from(count));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn f64_avx2(table: &[u32], words: &[u32], weight: f64, sums: &mut [f64]) {
    each(table, words, sums, |count, sum| *sum += weight * f64::from(count));
}

/// Calls `add` with the number of each word and its sum.
#[inline(always)]
fn each<F>(table: &[u32], words: &[u32], sums: &mut [F], add: impl Fn(u32, &mut F)) {
    let (blocks, rest) = words.as_chunks::<TOGETHER>();
    let (sums, last) = sums.split_at_mut(blocks.len() * TOGETHER);
    for (block, sums) in blocks.iter().zip(sums.chunks_exact_mut(TOGETHER)) {
        let mut counts = [0u32; TOGETHER];
        for t in table {
            counts.iter_mut().zip(block).for_each(|(n, word)| *n += u32::from(word >= t));
        }
        counts.iter().zip(sums).for_each(|(n, sum)| add(*n, sum));
    }
    for (word, sum) in rest.iter().zip(last) {
        add(table.iter().map(|t| u32::from(word >= t)).sum(), sum);
    }
}
