//! Numbers as a page shows them: groups of three digits, few significant ones, powers of ten.

/// A count, its digits in groups of three from 10 000 on.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A quantity to four significant digits: plain between 0.001 and ten million, else with a
/// power of ten; a dash where it is not finite.
pub fn quantity(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".into()
    } else if size == 0.0 {
        "0".into()
    } else if (1e-3..1e7).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        decimal(value, decimals, true)
    } else {
        let exponent = size.log10().floor() as i32;
        let mantissa = decimal(value / 10f64.powi(exponent), 3, true);
        format!("{mantissa} × {}", power_of_ten(exponent))
    }
}

/// A value with so many decimals, groups in its whole part, and a true minus sign; without the
/// zeros at its end where `trim`.
pub fn decimal(value: f64, decimals: usize, trim: bool) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = if trim { fraction.trim_end_matches('0') } else { fraction };
    let is_zero = whole.bytes().chain(fraction.bytes()).all(|digit| digit == b'0');
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// 10 to a whole power, with a raised exponent.
pub fn power_of_ten(exponent: i32) -> String {
    let raised = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit.to_digit(10).unwrap_or(0)).unwrap_or('⁰'),
    };
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

/// The largest of 1, 2, 5 times a power of ten that does not exceed a positive value.
pub fn round_below(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    // Rounding may have put the logarithm of a power of ten just below it.
    [10.0, 5.0, 2.0, 1.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|round| *round <= value * 1.000_001)
        .unwrap_or(power)
}

/// The smallest of 1, 2, 5 times a power of ten that is not below a positive value.
pub fn round_above(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|round| *round >= value * 0.999_999)
        .unwrap_or(power * 10.0)
}

/// Digits in groups of three, apart by a narrow space that does not break.
fn grouped(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.to_owned();
    }
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_four_digits_and_counts_have_groups() {
        let shown = |value: f64| quantity(value).replace('\u{202f}', "_");
        assert_eq!(shown(1234.5678), "1235");
        assert_eq!(shown(123456.0), "123_456");
        assert_eq!(shown(0.25), "0.25");
        assert_eq!(shown(-0.012345), "−0.01235");
        assert_eq!(shown(12_345_678.0), "1.235 × 10⁷");
        assert_eq!(shown(4.2e-13), "4.2 × 10⁻¹³");
        assert_eq!(shown(f64::NAN), "–");
        assert_eq!(shown(0.0), "0");
        assert_eq!(count(9999), "9999");
        assert_eq!(count(14_000_000_000).replace('\u{202f}', "_"), "14_000_000_000");
        assert_eq!(decimal(-0.001, 1, false), "0.0");
    }

    #[test]
    fn round_numbers_enclose_a_value() {
        for (value, below, above) in
            [(1.0, 1.0, 1.0), (3.3, 2.0, 5.0), (7.0, 5.0, 10.0), (0.011, 0.01, 0.02), (1000.0, 1000.0, 1000.0)]
        {
            assert!((round_below(value) / below - 1.0).abs() < 1e-9, "{value}: {}", round_below(value));
            assert!((round_above(value) / above - 1.0).abs() < 1e-9, "{value}: {}", round_above(value));
        }
    }
}
