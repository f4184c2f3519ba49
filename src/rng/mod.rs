//! Counter-based random streams: Philox4x32-10 (Salmon et al. 2011, SC11), keyed by seed and stream.
//!
//! The number for (seed, stream, step, lane) does not depend on what was drawn before, so any thread may draw it.

mod normal;

pub use normal::{ln, normals};

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

const M0: u32 = 0xD251_1F53;
const M1: u32 = 0xCD9E_8D57;
const W0: u32 = 0x9E37_79B9;
const W1: u32 = 0xBB67_AE85;

/// Returns the four words of one counter.
#[inline(always)]
pub fn philox(mut c: [u32; 4], mut k: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p0 = u64::from(M0) * u64::from(c[0]);
        let p1 = u64::from(M1) * u64::from(c[2]);
        c = [(p1 >> 32) as u32 ^ c[1] ^ k[0], p1 as u32, (p0 >> 32) as u32 ^ c[3] ^ k[1], p0 as u32];
        k = [k[0].wrapping_add(W0), k[1].wrapping_add(W1)];
    }
    c
}

/// A stream of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stream {
    key: [u32; 2],
    id: u32,
}

impl Stream {
    /// Creates stream `id` of `seed`.
    pub fn new(seed: u64, id: u32) -> Stream {
        Stream { key: [seed as u32, (seed >> 32) as u32], id }
    }

    /// Returns another stream for the n-th of several things of one purpose.
    pub fn derived(&self, n: u32, purpose: u32) -> Stream {
        let [a, b, ..] = philox([n, purpose, 0, 0], self.key);
        Stream { key: [a, b], id: self.id }
    }

    /// Fills `out` with the words of lanes `4 * first ..` at a step; one counter serves four lanes.
    pub fn fill(&self, step: u64, first: u32, out: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                // SAFETY: the processor has the features.
                return unsafe { fill_avx512(self, step, first, out) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has the feature.
                return unsafe { fill_avx2(self, step, first, out) };
            }
        }
        fill_blocks(self, step, first, out);
    }

    /// Returns the four words of one item at a step.
    pub fn block(&self, step: u64, item: u32) -> [u32; 4] {
        philox([item, step as u32, (step >> 32) as u32, self.id], self.key)
    }

    /// Returns the first two uniform numbers of each of several readers.
    pub fn first_of_readers(&self, items: &[u64; BATCH]) -> [[f64; BATCH]; 2] {
        let counters = [[0; BATCH], items.map(|i| i as u32), items.map(|i| (i >> 32) as u32), [self.id; BATCH]];
        let words = side_by_side(counters, self.key);
        [0, 2].map(|w| std::array::from_fn(|i| uniform(words[w][i], words[w + 1][i])))
    }

    /// A sequential reader of this stream, for set-up code; `item` separates independent sequences.
    pub fn reader(&self, item: u64) -> Reader {
        Reader { stream: *self, item, position: 0, words: [0; 4] }
    }
}

/// Returns another seed for the n-th of several things of one purpose.
pub fn derived_seed(seed: u64, n: u32, purpose: u32) -> u64 {
    let [a, b, ..] = philox([n, purpose, 0, 0], [seed as u32, (seed >> 32) as u32]);
    u64::from(a) | u64::from(b) << 32
}

/// How many counters [`blocks`] takes at once.
pub const BATCH: usize = 16;

/// Returns the words of several items at a step, each of a stream of its own, all of one seed; `[word][item]`.
pub fn blocks(streams: &[Stream; BATCH], step: u64, items: &[u32; BATCH]) -> [[u32; BATCH]; 4] {
    let mut ids = [0u32; BATCH];
    ids.iter_mut().zip(streams).for_each(|(id, s)| *id = s.id);
    side_by_side([*items, [step as u32; BATCH], [(step >> 32) as u32; BATCH], ids], streams[0].key)
}

/// Returns the words of counters side by side.
fn side_by_side(counters: [[u32; BATCH]; 4], key: [u32; 2]) -> [[u32; BATCH]; 4] {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has the features.
            return unsafe { side_by_side_avx512(counters, key) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature.
            return unsafe { side_by_side_avx2(counters, key) };
        }
    }
    rounds(counters, key)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn side_by_side_avx512(counters: [[u32; BATCH]; 4], key: [u32; 2]) -> [[u32; BATCH]; 4] {
    // SAFETY: the caller has the features; arrays of sixteen words and vectors have the same size.
    unsafe { std::mem::transmute(rounds_avx512(counters.map(|c| _mm512_loadu_si512(c.as_ptr().cast())), key)) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn side_by_side_avx2(counters: [[u32; BATCH]; 4], key: [u32; 2]) -> [[u32; BATCH]; 4] {
    rounds(counters, key)
}

/// Philox for counters side by side, so that the compiler keeps them in vectors.
#[inline(always)]
fn rounds(counters: [[u32; BATCH]; 4], key: [u32; 2]) -> [[u32; BATCH]; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counters;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        for i in 0..BATCH {
            let p0 = u64::from(M0) * u64::from(c0[i]);
            let p1 = u64::from(M1) * u64::from(c2[i]);
            let (n0, n2) = ((p1 >> 32) as u32 ^ c1[i] ^ k0, (p0 >> 32) as u32 ^ c3[i] ^ k1);
            (c0[i], c1[i], c2[i], c3[i]) = (n0, p1 as u32, n2, p0 as u32);
        }
        k0 = k0.wrapping_add(W0);
        k1 = k1.wrapping_add(W1);
    }
    [c0, c1, c2, c3]
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn fill_avx512(s: &Stream, step: u64, first: u32, out: &mut [u32]) {
    let (chunks, rest) = out.as_chunks_mut::<{ 4 * BATCH }>();
    let after = first.wrapping_add((chunks.len() * BATCH) as u32);
    // SAFETY: the caller has the features; a chunk has room for four vectors.
    unsafe {
        let constant = |w: u32| _mm512_set1_epi32(w as i32);
        // Counter 4 q + l of a chunk is at place 4 l + q, so that the results come out in order.
        let places = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let mut c0 = _mm512_add_epi32(places, constant(first));
        let others = [constant(step as u32), constant((step >> 32) as u32), constant(s.id)];
        for chunk in chunks {
            let [w0, w1, w2, w3] = rounds_avx512([c0, others[0], others[1], others[2]], s.key);
            let (low, high) = (_mm512_unpacklo_epi32(w0, w1), _mm512_unpackhi_epi32(w0, w1));
            let (more_low, more_high) = (_mm512_unpacklo_epi32(w2, w3), _mm512_unpackhi_epi32(w2, w3));
            let to = chunk.as_mut_ptr().cast::<__m512i>();
            to.write_unaligned(_mm512_unpacklo_epi64(low, more_low));
            to.add(1).write_unaligned(_mm512_unpackhi_epi64(low, more_low));
            to.add(2).write_unaligned(_mm512_unpacklo_epi64(high, more_high));
            to.add(3).write_unaligned(_mm512_unpackhi_epi64(high, more_high));
            c0 = _mm512_add_epi32(c0, constant(BATCH as u32));
        }
    }
    fill_blocks(s, step, after, rest);
}

/// [`rounds`] with the products of neighbouring words side by side.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
fn rounds_avx512(counters: [__m512i; 4], key: [u32; 2]) -> [__m512i; 4] {
    /// Odd words.
    const ODD: u16 = 0xAAAA;
    let product = |m: u32, x: __m512i| {
        let m = _mm512_set1_epi32(m as i32);
        let (even, odd) = (_mm512_mul_epu32(x, m), _mm512_mul_epu32(_mm512_srli_epi64::<32>(x), m));
        let high = _mm512_mask_blend_epi32(ODD, _mm512_srli_epi64::<32>(even), odd);
        (high, _mm512_mask_blend_epi32(ODD, even, _mm512_slli_epi64::<32>(odd)))
    };
    let [mut c0, mut c1, mut c2, mut c3] = counters;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let ((h0, l0), (h1, l1)) = (product(M0, c0), product(M1, c2));
        // Exclusive or of three.
        c0 = _mm512_ternarylogic_epi32::<0x96>(h1, c1, _mm512_set1_epi32(k0 as i32));
        c2 = _mm512_ternarylogic_epi32::<0x96>(h0, c3, _mm512_set1_epi32(k1 as i32));
        (c1, c3) = (l1, l0);
        k0 = k0.wrapping_add(W0);
        k1 = k1.wrapping_add(W1);
    }
    [c0, c1, c2, c3]
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn fill_avx2(s: &Stream, step: u64, first: u32, out: &mut [u32]) {
    fill_blocks(s, step, first, out);
}

#[inline(always)]
fn fill_blocks(s: &Stream, step: u64, first: u32, out: &mut [u32]) {
    let mut first = first;
    for chunk in out.chunks_mut(4 * BATCH) {
        let mut c0 = [0u32; BATCH];
        for (i, c) in c0.iter_mut().enumerate() {
            *c = first.wrapping_add(i as u32);
        }
        let words = rounds([c0, [step as u32; BATCH], [(step >> 32) as u32; BATCH], [s.id; BATCH]], s.key);
        if chunk.len() == 4 * BATCH {
            for i in 0..BATCH {
                for (j, word) in words.iter().enumerate() {
                    chunk[4 * i + j] = word[i];
                }
            }
        } else {
            for (j, out) in chunk.iter_mut().enumerate() {
                *out = words[j % 4][j / 4];
            }
        }
        first = first.wrapping_add(BATCH as u32);
    }
}

/// Returns a number in (0, 1) with 53 bits.
#[inline(always)]
fn uniform(high: u32, low: u32) -> f64 {
    let bits = u64::from(high) << 32 | u64::from(low);
    ((bits >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
}

/// Draws one number after another.
#[derive(Debug, Clone)]
pub struct Reader {
    stream: Stream,
    item: u64,
    position: u32,
    words: [u32; 4],
}

impl Reader {
    /// Returns 32 random bits.
    pub fn bits(&mut self) -> u32 {
        let at = (self.position % 4) as usize;
        if at == 0 {
            let counter = [self.position / 4, self.item as u32, (self.item >> 32) as u32, self.stream.id];
            self.words = philox(counter, self.stream.key);
        }
        self.position = self.position.wrapping_add(1);
        self.words[at]
    }

    /// Returns a uniform number in (0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        let high = self.bits();
        uniform(high, self.bits())
    }

    /// Returns a whole number below `n`, unbiased (Lemire 2019).
    pub fn below(&mut self, n: u32) -> u32 {
        loop {
            let product = u64::from(self.bits()) * u64::from(n);
            let low = product as u32;
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 32) as u32;
            }
        }
    }

    /// Returns a standard normal number (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let u = self.uniform();
        normal::normal(u, self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random123_known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    }

    #[test]
    fn filling_in_parts_gives_the_same_numbers() {
        let s = Stream::new(7, 3);
        let mut whole = vec![0; 200];
        s.fill(11, 0, &mut whole);
        let mut part = vec![0; 40];
        s.fill(11, 4, &mut part);
        assert_eq!(whole[16..56], part[..]);
        assert_eq!(whole[4..8], philox([1, 11, 0, 3], [7, 0]));
    }

    #[test]
    fn readers_begin_alike_alone_and_side_by_side() {
        let s = Stream::new(1 << 40 | 5, 9);
        let items = std::array::from_fn(|i| (i as u64) << 31 | 7);
        let [first, second] = s.first_of_readers(&items);
        for (i, item) in items.into_iter().enumerate() {
            let mut r = s.reader(item);
            assert_eq!([first[i], second[i]], [r.uniform(), r.uniform()]);
        }
    }

    #[test]
    fn vectors_of_counters_give_what_single_ones_do() {
        let s = Stream::new(1 << 40 | 5, 9);
        let step = 3 << 32 | 17;
        let mut all = vec![0; 300];
        s.fill(step, 21, &mut all);
        for (i, words) in all.chunks(4).enumerate() {
            assert_eq!(words, s.block(step, 21 + i as u32));
        }
        let streams: [Stream; BATCH] = std::array::from_fn(|i| Stream::new(1 << 40 | 5, i as u32 % 3));
        let items = std::array::from_fn(|i| 100 - i as u32);
        let together = blocks(&streams, step, &items);
        for i in 0..BATCH {
            assert_eq!(together.map(|w| w[i]), streams[i].block(step, items[i]));
        }
    }
}
