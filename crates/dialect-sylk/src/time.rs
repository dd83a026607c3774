//! The time of day as clients read it.

/// Milliseconds since 1970 as ISO 8601 in UTC: `2026-11-26T05:42:40.123Z`.
pub(crate) fn iso(millis: u64) -> String {
    let (days, of_day) = (millis / 86_400_000, millis % 86_400_000);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", of_day % 1_000)
}

/// The day that many days after 1 January 1970, by years that begin in March: so the leap day is their last.
fn date(days: u64) -> (u64, u64, u64) {
    // From 1 March of the year 0 on, in turns of 400 years.
    let days = days + 719_468;
    let (turn, of_turn) = (days / 146_097, days % 146_097);
    let year_of_turn = (of_turn - of_turn / 1_460 + of_turn / 36_524 - of_turn / 146_096) / 365;
    let of_year = of_turn - (365 * year_of_turn + year_of_turn / 4 - year_of_turn / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (turn * 400 + year_of_turn + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_dates() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_798_761_599_001, "2026-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso(millis), text);
        }
    }
}
