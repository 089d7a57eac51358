//! Prometheus exposition of everything that was recorded. It renders text; the listener is not its own.

use super::histogram::{Histograms, HouseRecorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::fmt;

/// Upper bound of the fastest bucket: 10 µs is about what writing one push takes.
const FIRST_BUCKET_SECONDS: f64 = 10e-6;
/// 2^(5/12): twelve buckets to five doublings, so that a quantile is known to a third.
const BUCKET_FACTOR: f64 = 1.334_839_854_170_034;
/// Upper bound of the last bucket: past two minutes one is as late as the other.
const LAST_BUCKET_SECONDS: f64 = 120.0;

/// The process's recorder, as seen by those who read it. Clones are handles to the same one.
#[derive(Clone)]
pub struct Exporter {
    prometheus: PrometheusHandle,
    histograms: Histograms,
}

impl Exporter {
    /// Makes this process record; a second call gives the recorder that the first one installed.
    ///
    /// # Errors
    /// [`ExporterError`] when another library has installed a recorder of its own.
    pub fn install() -> Result<Self, ExporterError> {
        static INSTALLED: parking_lot::Mutex<Option<Exporter>> = parking_lot::Mutex::new(None);
        let mut installed = INSTALLED.lock();
        if let Some(exporter) = &*installed {
            return Ok(exporter.clone());
        }
        let (recorder, exporter) = recorder();
        ::metrics::set_global_recorder(recorder).map_err(|_| ExporterError::Taken)?;
        *installed = Some(exporter.clone());
        Ok(exporter)
    }

    /// Everything recorded so far, in Prometheus text format 0.0.4.
    pub fn render(&self) -> String {
        let mut text = self.prometheus.render();
        self.histograms.render(&mut text);
        text
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExporterError {
    /// Somebody else was first.
    #[error("another metrics recorder is installed in this process")]
    Taken,
}

/// A recorder with the house's buckets, not yet installed anywhere, and what reads it.
pub(super) fn recorder() -> (HouseRecorder, Exporter) {
    let prometheus = PrometheusBuilder::new().build_recorder();
    let histograms = Histograms::new(stage_buckets());
    let exporter = Exporter { prometheus: prometheus.handle(), histograms: histograms.clone() };
    (HouseRecorder { prometheus, histograms }, exporter)
}

/// Upper bounds in seconds, each a third above the one before.
fn stage_buckets() -> Vec<f64> {
    let steps = std::iter::successors(Some(FIRST_BUCKET_SECONDS), |bound| Some(bound * BUCKET_FACTOR));
    let mut bounds: Vec<f64> = steps.take_while(|bound| *bound < LAST_BUCKET_SECONDS).map(three_digits).collect();
    bounds.push(LAST_BUCKET_SECONDS);
    bounds
}

/// Three significant digits, so that a label reads `0.00231` and stays the same on every machine.
fn three_digits(bound: f64) -> f64 {
    format!("{bound:.2e}").parse().unwrap_or(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_rise_by_a_third_from_ten_microseconds_to_two_minutes() {
        let bounds = stage_buckets();
        assert_eq!(bounds.first(), Some(&FIRST_BUCKET_SECONDS));
        assert_eq!(bounds.last(), Some(&LAST_BUCKET_SECONDS));
        for pair in bounds.windows(2) {
            let factor = pair[1] / pair[0];
            assert!(factor > 1.0 && factor < 1.36, "{pair:?}");
        }
        assert!(bounds.len() < 64, "{} buckets", bounds.len());
    }

    #[test]
    fn a_second_install_gives_the_same_recorder() {
        let first = Exporter::install().unwrap();
        let second = Exporter::install().unwrap();
        ::metrics::counter!("test_of_the_second_install_total").increment(1);
        assert!(first.render().contains("test_of_the_second_install_total 1"));
        assert!(second.render().contains("test_of_the_second_install_total 1"));
    }
}
