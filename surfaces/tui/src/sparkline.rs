//! A row of bars, one character a point.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The newest `width` points, right-aligned, scaled from zero to the largest one shown.
pub(crate) fn bars(points: &[f64], width: usize) -> String {
    let shown = points.get(points.len().saturating_sub(width)..).unwrap_or(points);
    let most = shown.iter().copied().fold(0.0, f64::max);
    let mut text = " ".repeat(width - shown.len().min(width));
    text.extend(shown.iter().map(|point| bar(*point, most)));
    text
}

fn bar(point: f64, most: f64) -> char {
    // Zero and the smallest bar look alike; a flat line of zeros is what an idle service is.
    let step = if most > 0.0 { point / most * 7.0 } else { 0.0 };
    BARS.get(step.round().max(0.0) as usize).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_points_are_on_the_right() {
        assert_eq!(bars(&[], 3), "   ");
        assert_eq!(bars(&[0.0, 0.0], 3), " ▁▁");
        assert_eq!(bars(&[9.0, 0.0, 3.5, 7.0], 3), "▁▅█");
    }
}
