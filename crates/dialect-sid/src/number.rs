//! Numbers as JavaScript writes them: the reference turns every number at the top of a message into its string.

/// What `String(JSON.parse(text))` gives for the text of a JSON number (ECMA-262, Number::toString).
pub(crate) fn javascript(text: &str) -> String {
    let Ok(value) = text.parse::<f64>() else { return text.to_owned() };
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // The shortest digits that read back as the same number; both languages agree on them.
    let scientific = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return text.to_owned() };
    let Ok(exponent) = exponent.parse::<i32>() else { return text.to_owned() };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", placed(&digits, exponent))
}

/// The digits d.ddd × 10^exponent with their point where JavaScript puts it.
fn placed(digits: &str, exponent: i32) -> String {
    /// From 10^21 on, and below 10^-6, numbers are written with an exponent.
    const PLAIN: std::ops::Range<i32> = -6..21;
    let length = digits.len();
    if !PLAIN.contains(&exponent) {
        let (first, rest) = digits.split_at(1.min(length));
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{first}{point}{rest}e{sign}{}", exponent.unsigned_abs());
    }
    let Ok(before) = usize::try_from(exponent + 1) else {
        return format!("0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1));
    };
    if before == 0 {
        format!("0.{digits}")
    } else if before >= length {
        format!("{digits}{}", "0".repeat(before - length))
    } else {
        let (whole, fraction) = digits.split_at(before);
        format!("{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each right side is what Node.js prints for `String(JSON.parse(left))`.
    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (json, expected) in [
            ("17", "17"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.0e9", "0"),
            ("-17", "-17"),
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("10000000", "10000000"),
            ("01234567e0".trim_start_matches('0'), "1234567"),
            ("1e3", "1000"),
            ("12.5e1", "125"),
            ("0.1", "0.1"),
            ("0.000001", "0.000001"),
            ("0.0000015", "0.0000015"),
            ("0.0000001", "1e-7"),
            ("1.5e-7", "1.5e-7"),
            ("123456789012345680000", "123456789012345680000"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("1.25e21", "1.25e+21"),
            ("9007199254740993", "9007199254740992"),
            ("0.1e1", "1"),
            ("123.456", "123.456"),
            ("5e-324", "5e-324"),
            ("1e999", "Infinity"),
            ("-1e999", "-Infinity"),
        ] {
            assert_eq!(javascript(json), expected, "{json}");
        }
    }
}
