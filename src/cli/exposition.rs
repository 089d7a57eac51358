//! As much of the Prometheus text format as is needed to read the metrics of a router back.

/// The value of a series, given as it is written: name and labels. 0 if it is not there.
pub(super) fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
}

/// The sum over all series of a metric.
pub(super) fn sum(text: &str, metric: &str) -> f64 {
    let own = text.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' '])));
    own.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Events that have their final outcome.
pub(super) fn settled(text: &str) -> u64 {
    sum(text, "bellwire_events_settled_total") as u64
}

/// The values of a metric by one of its labels, summed over the others; those above 0, in the order of the text.
pub(super) fn by_label(text: &str, metric: &str, label: &str) -> Vec<(String, f64)> {
    let mut sums: Vec<(String, f64)> = Vec::new();
    let start = format!("{label}=\"");
    for line in text.lines() {
        let labels = line.strip_prefix(metric).and_then(|rest| rest.strip_prefix('{')?.split_once("} "));
        let Some((labels, Ok(value))) = labels.map(|(labels, value)| (labels, value.trim().parse::<f64>())) else {
            continue;
        };
        let Some(name) = labels.split(',').find_map(|one| one.strip_prefix(&start)?.strip_suffix('"')) else {
            continue;
        };
        match sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += value,
            None => sums.push((name.to_owned(), value)),
        }
    }
    sums.retain(|(_, sum)| *sum > 0.0);
    sums
}

/// The quantile of a stage's histogram in seconds, linear within its bucket; none without observations.
pub(super) fn quantile(text: &str, stage: &str, quantile: f64) -> Option<f64> {
    Buckets::read(text, stage).quantile(quantile)
}

/// A stage's histogram: upper bounds in seconds, each with how many observations are at most that.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buckets(Vec<(f64, f64)>);

impl Buckets {
    /// Those of `stage`.
    pub fn read(text: &str, stage: &str) -> Self {
        let prefix = format!("bellwire_stage_seconds_bucket{{stage=\"{stage}\",le=\"");
        let lines = text.lines().filter_map(|line| line.strip_prefix(prefix.as_str())?.split_once("\"} "));
        let buckets =
            lines.filter_map(|(bound, count)| Some((bound.replace("+Inf", "inf").parse().ok()?, count.parse().ok()?)));
        Self(buckets.collect())
    }

    /// What was observed since these buckets were `earlier`.
    pub fn since(mut self, earlier: &Self) -> Self {
        for ((_, count), (_, before)) in self.0.iter_mut().zip(&earlier.0) {
            *count -= before;
        }
        self
    }

    /// A quantile in seconds, linear within its bucket; none without observations. 1 is the upper bound of the last
    /// bucket that has any.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let total = self.0.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
        let wanted = quantile * total;
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.0 {
            if *count >= wanted {
                let share = if *count > below { (wanted - below) / (count - below) } else { 0.0 };
                return Some(if bound.is_finite() { lower + (bound - lower) * share } else { lower });
            }
            (lower, below) = (*bound, *count);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# TYPE bellwire_events_settled_total counter
bellwire_events_settled_total{outcome="accepted"} 3
bellwire_events_settled_total{outcome="delivered"} 4
bellwire_gaps_total 2
bellwire_stage_seconds_bucket{stage="accept",le="0.001"} 50
bellwire_stage_seconds_bucket{stage="accept",le="0.002"} 100
bellwire_stage_seconds_bucket{stage="accept",le="+Inf"} 100
bellwire_stage_seconds_bucket{stage="queue",le="0.001"} 0
bellwire_stage_seconds_bucket{stage="queue",le="+Inf"} 0
"#;

    #[test]
    fn counters_are_read_and_summed() {
        assert_eq!(value(TEXT, "bellwire_gaps_total"), 2.0);
        assert_eq!(value(TEXT, r#"bellwire_events_settled_total{outcome="delivered"}"#), 4.0);
        assert_eq!(value(TEXT, "bellwire_nothing"), 0.0);
        assert_eq!(settled(TEXT), 7);
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        assert_eq!(quantile(TEXT, "accept", 0.25), Some(0.0005));
        assert_eq!(quantile(TEXT, "accept", 0.75), Some(0.0015));
        assert_eq!(quantile(TEXT, "accept", 1.0), Some(0.002));
        assert_eq!(quantile(TEXT, "queue", 0.5), None);
    }

    #[test]
    fn what_was_observed_before_can_be_taken_off() {
        let all = Buckets::read(TEXT, "accept");
        let earlier = Buckets(vec![(0.001, 50.0), (0.002, 60.0), (f64::INFINITY, 60.0)]);
        assert_eq!(all.clone().since(&earlier).quantile(0.5), Some(0.0015));
        assert_eq!(all.clone().since(&all).quantile(0.5), None);
    }

    #[test]
    fn a_metric_is_split_by_a_label() {
        let metric = "bellwire_events_settled_total";
        let outcomes = [("accepted".to_owned(), 3.0), ("delivered".to_owned(), 4.0)];
        assert_eq!(by_label(TEXT, metric, "outcome"), outcomes);
        assert_eq!(by_label(TEXT, metric, "reason"), []);
    }
}
