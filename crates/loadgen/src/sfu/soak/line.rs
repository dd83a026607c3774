//! How fast something grows.

/// The slope of the straight line that fits these points best (least squares); `None` if they tell none.
pub(super) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (middle, level) = (mean(|(x, _)| *x), mean(|(_, y)| *y));
    let spread: f64 = points.iter().map(|(x, _)| (x - middle).powi(2)).sum();
    let common: f64 = points.iter().map(|(x, y)| (x - middle) * (y - level)).sum();
    (spread > 0.0).then(|| common / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_what_is_none() {
        let close = |points: &[(f64, f64)], expected: f64| {
            let found = slope(points).unwrap();
            assert!((found - expected).abs() < 1e-9, "{found}");
        };
        close(&[(0.0, 5.0), (1.0, 7.0), (2.0, 9.0)], 2.0);
        close(&[(0.0, 5.0), (1.0, 5.0), (2.0, 5.0)], 0.0);
        close(&[(0.0, 1.0), (1.0, 0.0), (2.0, 1.0), (3.0, 0.0)], -0.2);
        assert_eq!(slope(&[]), None);
        assert_eq!(slope(&[(1.0, 2.0)]), None);
        assert_eq!(slope(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
