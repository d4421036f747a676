//! What the rates were: one point a picture, kept by the surface because pictures hold none.

use std::collections::HashMap;

/// Points kept of one service: four minutes at one a second, more than any screen is wide for.
const POINTS_MAX: usize = 240;
/// Services remembered. Beyond it, new ones get no trend until an old one has left.
const SERVICES_MAX: usize = 1_024;

/// Rates of every service and of all together, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    total: Vec<f64>,
    services: HashMap<String, Track>,
}

#[derive(Clone, Debug, Default)]
struct Track {
    points: Vec<f64>,
    is_seen: bool,
}

impl History {
    /// Takes one picture: the rate of all and the rate of each. Who is not in it is forgotten.
    pub(crate) fn push(&mut self, total: f64, services: impl Iterator<Item = (String, f64)>) {
        append(&mut self.total, total);
        for track in self.services.values_mut() {
            track.is_seen = false;
        }
        let mut refused = Vec::new();
        for (key, rate) in services {
            if let Some(track) = self.services.get_mut(&key) {
                append(&mut track.points, rate);
                track.is_seen = true;
            } else {
                refused.push((key, rate));
            }
        }
        self.services.retain(|_, track| track.is_seen);
        let room = SERVICES_MAX.saturating_sub(self.services.len());
        for (key, rate) in refused.into_iter().take(room) {
            let points = vec![rate];
            self.services.insert(key, Track { points, is_seen: true });
        }
    }

    /// Rates of all together, without the newest `skipped`.
    pub(crate) fn total(&self, skipped: usize) -> &[f64] {
        without_last(&self.total, skipped)
    }

    /// Rates of one service, without the newest `skipped`.
    pub(crate) fn service(&self, key: &str, skipped: usize) -> &[f64] {
        let points = self.services.get(key).map(|track| track.points.as_slice());
        without_last(points.unwrap_or_default(), skipped)
    }
}

fn append(points: &mut Vec<f64>, point: f64) {
    if points.len() == POINTS_MAX {
        points.remove(0);
    }
    points.push(point);
}

fn without_last(points: &[f64], skipped: usize) -> &[f64] {
    points.get(..points.len().saturating_sub(skipped)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, rate: f64) -> impl Iterator<Item = (String, f64)> {
        std::iter::once((key.to_owned(), rate))
    }

    #[test]
    fn points_and_services_are_bounded_and_the_gone_are_forgotten() {
        let mut history = History::default();
        for point in 0..POINTS_MAX + 5 {
            history.push(point as f64, one("cart", point as f64));
        }
        assert_eq!(history.service("cart", 0).len(), POINTS_MAX);
        assert_eq!(history.total(0).first(), Some(&5.0));
        let many = (0..SERVICES_MAX + 9).map(|number| (number.to_string(), 1.0));
        history.push(0.0, many);
        assert!(history.service("cart", 0).is_empty());
        assert_eq!(history.services.len(), SERVICES_MAX);
    }

    #[test]
    fn the_newest_points_can_be_left_out() {
        let mut history = History::default();
        for point in [1.0, 2.0, 3.0] {
            history.push(point, one("cart", point));
        }
        assert_eq!(history.service("cart", 2), [1.0]);
        assert!(history.service("cart", 9).is_empty());
    }
}
