//! Normal numbers from uniform ones (Box and Muller 1958), several side by side.
//!
//! Logarithm and cosine are written out, after Sun's fdlibm, in operations that every processor rounds alike: the same bits alone and in
//! vectors, and whatever the mathematical library of the system.

/// Returns a standard normal number from two uniform numbers in (0, 1).
#[inline(always)]
pub fn normal(u: f64, v: f64) -> f64 {
    (-2.0 * ln(u)).sqrt() * cosine_of_turn(v)
}

/// The same for numbers side by side; the first become the normal ones.
pub fn normals<const N: usize>(u: &mut [f64; N], v: &[f64; N]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has the features.
            return unsafe { normals_avx512(u, v) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature.
            return unsafe { normals_avx2(u, v) };
        }
    }
    each(u, v);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn normals_avx512<const N: usize>(u: &mut [f64; N], v: &[f64; N]) {
    each(u, v);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn normals_avx2<const N: usize>(u: &mut [f64; N], v: &[f64; N]) {
    each(u, v);
}

#[inline(always)]
fn each<const N: usize>(u: &mut [f64; N], v: &[f64; N]) {
    for (u, v) in u.iter_mut().zip(v) {
        *u = normal(*u, *v);
    }
}

/// Returns the logarithm of a normal positive number, to one unit in the last place.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    /// The bits of 1 less those of sqrt(1/2), in the upper word.
    const ABOVE_ROOT: u64 = 0x3ff0_0000_0000_0000 - 0x3fe6_a09e_0000_0000;
    let shifted = x.to_bits() + ABOVE_ROOT;
    let exponent = f64::from((shifted >> 52) as i32 - 1023);
    let mantissa = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + 0x3fe6_a09e_0000_0000);
    let f = mantissa - 1.0;
    let half = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (3.999_999_999_940_942e-1 + w * (2.222_219_843_214_978_4e-1 + w * 1.531_383_769_920_937_3e-1));
    let odd = z
        * (6.666_666_666_666_735e-1
            + w * (2.857_142_874_366_239e-1 + w * (1.818_357_216_161_805e-1 + w * 1.479_819_860_511_658_6e-1)));
    let (high, low) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);
    s * (half + (even + odd)) + exponent * low - half + f + exponent * high
}

/// Returns the cosine of so many turns, of 0 to 1.
#[inline(always)]
fn cosine_of_turn(turns: f64) -> f64 {
    /// Adding it rounds to a whole number, which is then in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let quarters = 4.0 * turns;
    let rounded = quarters + ROUND;
    let which = rounded.to_bits();
    let x = (quarters - (rounded - ROUND)) * std::f64::consts::FRAC_PI_2;
    let z = x * x;
    let w = z * z;
    let rest = z * (4.166_666_666_666_66e-2 + z * (-1.388_888_888_887_411e-3 + z * 2.480_158_728_947_673e-5))
        + w * w * (-2.755_731_435_139_066_3e-7 + z * (2.087_572_321_298_175e-9 + z * -1.135_964_755_778_819_5e-11));
    let half = 0.5 * z;
    let most = 1.0 - half;
    let cosine = most + (((1.0 - most) - half) + z * rest);
    let rest = 8.333_333_333_322_49e-3
        + z * (-1.984_126_982_985_795e-4 + z * 2.755_731_370_707_006_8e-6)
        + z * w * (-2.505_076_025_340_686_4e-8 + z * 1.589_690_995_211_55e-10);
    let sine = x + z * x * (-1.666_666_666_666_663_2e-1 + z * rest);
    let value = if which & 1 == 0 { cosine } else { sine };
    if which.wrapping_add(1) & 2 == 0 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn logarithm_and_cosine_are_those_of_the_library() {
        let mut r = Stream::new(3, 1).reader(0);
        let edges = [0.5, 1.0, 0.25, 0.125, 0.375, 0.75, 0.875, 1.0 - f64::EPSILON, 2f64.powi(-54), 0.5f64.sqrt()];
        for x in (0..100_000).map(|_| r.uniform()).chain(edges) {
            assert!((ln(x) - x.ln()).abs() <= 2.0 * f64::EPSILON * x.ln().abs(), "ln {x}: {}", ln(x));
            let cosine = (std::f64::consts::TAU * x).cos();
            assert!((cosine_of_turn(x) - cosine).abs() < 1e-15, "cos {x}: {} {cosine}", cosine_of_turn(x));
        }
    }

    #[test]
    fn side_by_side_they_have_the_bits_of_one() {
        let mut r = Stream::new(3, 2).reader(0);
        for _ in 0..1000 {
            let (mut u, v): ([f64; 16], [f64; 16]) =
                (std::array::from_fn(|_| r.uniform()), std::array::from_fn(|_| r.uniform()));
            let alone: [f64; 16] = std::array::from_fn(|i| normal(u[i], v[i]));
            normals(&mut u, &v);
            assert_eq!(u.map(f64::to_bits), alone.map(f64::to_bits));
        }
    }
}
