//! Every metric's name, once, with its unit and what it counts. Dashboards and alerts hold on to these names.

use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const EVENTS_RECEIVED: &str = "bellwire_events_received_total";
pub(super) const EVENTS_SETTLED: &str = "bellwire_events_settled_total";
pub(super) const EVENTS_DROPPED: &str = "bellwire_events_dropped_total";
pub(super) const OVERSIZE: &str = "bellwire_oversize_total";
pub(super) const STAGE_SECONDS: &str = "bellwire_stage_seconds";
pub(super) const PUSHES: &str = "bellwire_pushes_total";
pub(super) const SEGMENTS: &str = "bellwire_segments_total";
pub(super) const SEGMENTS_ANSWERED: &str = "bellwire_segments_answered_total";
pub(super) const WINDOW_IN_USE: &str = "bellwire_window_in_use";
pub(super) const WINDOW_LIMIT: &str = "bellwire_window_limit";
pub(super) const RATE_LIMIT: &str = "bellwire_rate_limit";
pub(super) const STRAY_RESPONSES: &str = "bellwire_smpp_stray_total";
pub(super) const OUTBINDS_REFUSED: &str = "bellwire_outbinds_refused_total";
pub(super) const FAILOVERS: &str = "bellwire_failovers_total";
pub(super) const LINKS: &str = "bellwire_links";
pub(super) const SUBSCRIPTIONS: &str = "bellwire_subscriptions";
pub(super) const SOURCES: &str = "bellwire_sources";
pub(super) const RELAY_STREAMS: &str = "bellwire_relay_streams";
pub(super) const RELAYED_EVENTS: &str = "bellwire_relayed_events_total";
pub(super) const PROXY_REFUSED: &str = "bellwire_proxy_refused_total";
pub(super) const SPOOFED_HEADERS: &str = "bellwire_spoofed_headers_total";
pub(super) const BUDGET_ANNOUNCED: &str = "bellwire_budget_announced_total";
pub(super) const BUDGET_EXHAUSTED: &str = "bellwire_budget_exhausted_total";
pub(super) const BUDGETS_EXHAUSTED: &str = "bellwire_budgets_exhausted";
pub(super) const CREDITS_AVAILABLE: &str = "bellwire_credits_available";
pub(super) const RESENT: &str = "bellwire_resent_total";
pub(super) const REORDERED: &str = "bellwire_reordered_total";
pub(super) const REFERENCES_REUSED: &str = "bellwire_references_reused_total";
pub(super) const GAPS: &str = "bellwire_gaps_total";
pub(super) const UTF8_REPAIRED: &str = "bellwire_utf8_repaired_total";
pub(super) const UPSTREAM_RECONNECTS: &str = "bellwire_upstream_reconnects_total";
pub(super) const KNOWN_AGAIN: &str = "bellwire_events_known_again_total";
pub(super) const STRAY_RECEIPTS: &str = "bellwire_stray_receipts_total";
pub(super) const RECEIPTS: &str = "bellwire_receipts_total";
pub(super) const ERRANDS: &str = "bellwire_errands_total";
pub(super) const RECEIPTS_EXPECTED: &str = "bellwire_receipts_expected";
pub(super) const HANDSETS_PARKED: &str = "bellwire_handsets_parked";
pub(super) const WAKES: &str = "bellwire_wakes_total";
pub(super) const STORE_COMMIT_SECONDS: &str = "bellwire_store_commit_seconds";
pub(super) const STORE_REFUSALS: &str = "bellwire_store_refusals_total";

const COUNTERS: &[(&str, &str)] = &[
    (WAKES, "Handsets that went on after their SMSC had no room for them, by what made them."),
    (RELAYED_EVENTS, "Events written to streams, one for each stream."),
    (PROXY_REFUSED, "Requests to the push proxy that came to nothing, by whom that is to be blamed on."),
    (SPOOFED_HEADERS, "Requests with the header of a gateway that no gateway wrote."),
    (BUDGET_ANNOUNCED, "Budgets of which so much was used that somebody should know, by whose they are."),
    (BUDGET_EXHAUSTED, "Minutes and days in which a budget was used up, by whose they are."),
    (EVENTS_RECEIVED, "Events taken in, by where they came in."),
    (EVENTS_SETTLED, "Final outcomes: one for each event of each subscription."),
    (EVENTS_DROPPED, "Events left out, by reason; at the door or for a subscription."),
    (OVERSIZE, "Events too long for a push of max_segments, by what was done about them."),
    (PUSHES, "Pushes handed to an SMSC."),
    (SEGMENTS, "Short messages submitted to an SMSC, repeats included."),
    (SEGMENTS_ANSWERED, "What became of submitted short messages."),
    (FAILOVERS, "Times that an SMSC was without a bound link for too long, and others stood in for it."),
    (STRAY_RESPONSES, "Responses of an SMSC that belong to no request of ours, or come a second time."),
    (
        OUTBINDS_REFUSED,
        "Connections to the outbind listener that were closed: strangers, and more than links wait for.",
    ),
    (RESENT, "Segments sent again without knowing whether the first arrived: the upper bound of repeats."),
    (REORDERED, "Pushes that may have overtaken an earlier one of their handset."),
    (
        REFERENCES_REUSED,
        "Concatenation references given free before they had rested for long enough: a range is too small.",
    ),
    (GAPS, "Places where a source's events are known to be missing."),
    (UTF8_REPAIRED, "Events in which octets that are not UTF-8 became U+FFFD."),
    (UPSTREAM_RECONNECTS, "Times an upstream stream was opened again."),
    (KNOWN_AGAIN, "Events that came again when an upstream was opened again, and were left out."),
    (STRAY_RECEIPTS, "Receipts for messages that nobody here sent or remembers."),
    (RECEIPTS, "Receipts that came, by what they turned out to be."),
    (ERRANDS, "What SMSCs were asked about messages that they hold, and what came of it."),
    (STORE_REFUSALS, "Times that the store refused a batch: it is given it again until it takes it."),
];

const GAUGES: &[(&str, Unit, &str)] = &[
    (HANDSETS_PARKED, Unit::Count, "Handsets that their SMSC has no room for."),
    (RELAY_STREAMS, Unit::Count, "Streams that are relayed."),
    (WINDOW_IN_USE, Unit::Count, "Submits awaiting their response."),
    (RECEIPTS_EXPECTED, Unit::Count, "Receipts that are awaited."),
    (WINDOW_LIMIT, Unit::Count, "Submits that may await their response by now, over all links."),
    (RATE_LIMIT, Unit::Count, "Segments per second that may be sent by now, over the links that have a limit."),
    (LINKS, Unit::Count, "SMPP links by state."),
    (SUBSCRIPTIONS, Unit::Count, "Subscriptions by state."),
    (SOURCES, Unit::Count, "Event sources by state."),
    (BUDGETS_EXHAUSTED, Unit::Count, "Budgets that are used up, by whose they are."),
    (CREDITS_AVAILABLE, Unit::Bytes, "Octets of events that may still be taken in."),
];

/// Tells the recorder what each name means; saying it again changes nothing.
pub(super) fn describe() {
    for (name, meaning) in COUNTERS {
        describe_counter!(*name, Unit::Count, *meaning);
    }
    for (name, unit, meaning) in GAUGES {
        describe_gauge!(*name, *unit, *meaning);
    }
    describe_histogram!(STAGE_SECONDS, Unit::Seconds, "Seconds that an event, push or segment spends in a stage.");
    describe_histogram!(STORE_COMMIT_SECONDS, Unit::Seconds, "Seconds that a commit of the store takes.");
}
