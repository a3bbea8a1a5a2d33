//! The colour of a label: stable, and well apart from that of its neighbours in number.
//!
//! Hues are the label times the golden ratio, modulo a turn, so any few labels in a row lie far
//! apart; lightness and chroma vary by a hash, for labels whose hues come close. Colours are made
//! in OKLCH (Ottosson, «A perceptual color space for image processing», 2020), where equal
//! lightness looks equally light, and brought into sRGB by giving up chroma.

/// The sRGB colour of a label. Label 0, the background, is black.
pub fn label_colour(label: u64) -> [u8; 3] {
    if label == 0 {
        return [0; 3];
    }
    // 2^64 divided by the golden ratio: the wrapped product is the fraction of a turn.
    let turn = label.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hue = turn as f64 / 2f64.powi(64) * std::f64::consts::TAU;
    let hash = mixed(label);
    let lightness = [0.60, 0.69, 0.78, 0.87][(hash % 4) as usize];
    let chroma = [0.1, 0.16][(hash / 4 % 2) as usize];
    oklch(lightness, chroma, hue)
}

/// The colour as `#rrggbb`.
pub fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A colour for a share from 0 to 1: from dark violet through green to bright yellow, ever lighter.
pub fn scale(share: f64) -> [u8; 3] {
    let share = share.clamp(0.0, 1.0);
    oklch(0.28 + 0.64 * share, 0.13, (300.0 - 195.0 * share).to_radians())
}

/// A bijection of u64 that looks random: two rounds of xor-shift and multiply.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    bits ^ (bits >> 32)
}

/// The colour of a lightness (0 to 1), chroma and hue (radians), or the nearest of less chroma
/// that sRGB has.
fn oklch(lightness: f64, chroma: f64, hue: f64) -> [u8; 3] {
    let mut chroma = chroma;
    loop {
        let linear = linear_srgb(lightness, chroma * hue.cos(), chroma * hue.sin());
        if chroma < 0.005 || linear.iter().all(|part| (-1e-4..=1.0001).contains(part)) {
            return linear.map(|part| (gamma(part.clamp(0.0, 1.0)) * 255.0).round() as u8);
        }
        chroma *= 0.95;
    }
}

/// OKLab to linear sRGB, with the matrices of its definition.
fn linear_srgb(lightness: f64, a: f64, b: f64) -> [f64; 3] {
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701 * short,
    ]
}

/// The transfer curve of sRGB.
fn gamma(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: [u8; 3], b: [u8; 3]) -> f64 {
        (0..3).map(|at| (f64::from(a[at]) - f64::from(b[at])).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn labels_in_a_row_are_well_apart_and_never_dark() {
        for start in [1u64, 1000, u64::MAX / 2, u64::MAX - 4] {
            let colours: Vec<_> = (start..start.saturating_add(4)).map(label_colour).collect();
            for (index, a) in colours.iter().enumerate() {
                assert!(a.iter().map(|part| u32::from(*part)).sum::<u32>() > 240, "{a:?} is dark");
                for b in &colours[index + 1..] {
                    assert!(distance(*a, *b) > 40.0, "{a:?} and {b:?} from label {start}");
                }
            }
        }
    }

    #[test]
    fn no_colour_is_shared_by_many_of_a_thousand_labels() {
        let mut colours: Vec<_> = (1..=1000).map(label_colour).collect();
        colours.sort_unstable();
        colours.dedup();
        assert!(colours.len() > 900, "{} colours", colours.len());
        assert_eq!(label_colour(0), [0, 0, 0]);
    }

    #[test]
    fn oklch_meets_srgb_at_white_grey_and_red() {
        assert_eq!(oklch(1.0, 0.0, 0.0), [255, 255, 255]);
        assert_eq!(oklch(0.5999, 0.0, 1.0), [128, 128, 128]);
        let red = linear_srgb(0.627_96, 0.224_86, 0.125_85);
        assert!(red.iter().zip([1.0, 0.0, 0.0]).all(|(part, expected)| (part - expected).abs() < 1e-3), "{red:?}");
        assert_eq!(hex([1, 171, 255]), "#01abff");
    }
}
