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

/// The quantile of a stage's histogram in seconds, linear within its bucket; none without observations.
pub(super) fn quantile(text: &str, stage: &str, quantile: f64) -> Option<f64> {
    let prefix = format!("bellwire_stage_seconds_bucket{{stage=\"{stage}\",le=\"");
    let buckets: Vec<(f64, f64)> = text
        .lines()
        .filter_map(|line| line.strip_prefix(prefix.as_str())?.split_once("\"} "))
        .filter_map(|(bound, count)| Some((bound.replace("+Inf", "inf").parse().ok()?, count.parse().ok()?)))
        .collect();
    let total = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
    let wanted = quantile * total;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= wanted {
            let share = if count > below { (wanted - below) / (count - below) } else { 0.0 };
            return Some(if bound.is_finite() { lower + (bound - lower) * share } else { lower });
        }
        (lower, below) = (bound, count);
    }
    None
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
        assert_eq!(quantile(TEXT, "queue", 0.5), None);
    }
}
