//! What a row asks for. Values that are not text in a request are read here; the server looks at all of them.

use super::Wrong;
use super::column::{Column, Row};
use crate::cli::sub::policy_args::PolicyArgs;
use crate::cli::sub::types;
use crate::control::proto::{self, ActivateRequest, Source, source::Origin};
use crate::model::PolicyError;
use std::str::FromStr;

impl Row {
    /// The activation that it asks for; `tenant` is whose it is unless it says so.
    ///
    /// # Errors
    /// With every value that cannot be read.
    pub fn into_activation(mut self, tenant: &str) -> Result<ActivateRequest, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let policy = policy(&mut self, &mut wrong);
        let mut take = |column| self.take(column).unwrap_or_default();
        let mut request = ActivateRequest {
            tenant: take(Column::Tenant),
            handset: take(Column::Handset),
            handset_id: take(Column::HandsetId),
            to: take(Column::To),
            last_event_id: take(Column::LastEventId),
            policy: Some(policy),
            ..ActivateRequest::default()
        };
        request.application = self.take(Column::Application);
        if request.tenant.is_empty() {
            tenant.clone_into(&mut request.tenant);
        }
        let credential = self.take(Column::Credential).unwrap_or_default();
        let stated = |value: &String| !value.is_empty();
        let (url, feed) = (self.take(Column::Source).filter(stated), self.take(Column::Feed).filter(stated));
        if let (Some(_), Some(feed)) = (&url, &feed) {
            wrong.push(Wrong::value(Column::Feed, feed, "only one of source and feed is allowed"));
        }
        let origin = url.map(Origin::Url).or(feed.map(Origin::Feed));
        request.source = Some(Source { origin, credential });
        if wrong.is_empty() { Ok(request) } else { Err(wrong) }
    }
}

fn policy(row: &mut Row, wrong: &mut Vec<Wrong>) -> proto::Policy {
    let duration = |text: &str| parsed(humantime::parse_duration(text), "no duration such as 30s, 10m or 1h 30m");
    let events = |text: &str| parsed(text.parse(), "no whole number from 0 to 4294967295");
    let segments = |text: &str| parsed(text.parse(), "no whole number from 1 to 255");
    let policy = PolicyArgs {
        batch_window: value(row, Column::BatchWindow, wrong, duration),
        max_events: value(row, Column::MaxEvents, wrong, events),
        max_segments: value(row, Column::MaxSegments, wrong, segments),
        order: value(row, Column::Order, wrong, word),
        ttl: value(row, Column::Ttl, wrong, duration),
        overflow: value(row, Column::Overflow, wrong, word),
        content: value(row, Column::Content, wrong, word),
        ids: value(row, Column::Ids, wrong, word),
        receipts: value(row, Column::Receipts, wrong, word),
        priority: value(row, Column::Priority, wrong, word),
        at_limit: value(row, Column::AtLimit, wrong, word),
        types: value(row, Column::Types, wrong, types::read),
        coalesce: value(row, Column::Coalesce, wrong, word),
    };
    policy.into_policy()
}

/// The value of a column, read; an empty one is left out.
fn value<T>(
    row: &mut Row,
    column: Column,
    wrong: &mut Vec<Wrong>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = row.take(column).filter(|text| !text.is_empty())?;
    read(&text).map_err(|why| wrong.push(Wrong::value(column, &text, why))).ok()
}

fn parsed<T, E>(read: Result<T, E>, otherwise: &str) -> Result<T, String> {
    read.map_err(|_| otherwise.to_owned())
}

fn word<T: FromStr<Err = PolicyError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        PolicyError::Word { allowed, .. } => format!("none of {allowed}"),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[(Column, &str)]) -> Row {
        let mut row = Row::default();
        values.iter().for_each(|(column, value)| row.set(*column, Some((*value).to_owned())));
        row
    }

    #[test]
    fn every_value_that_cannot_be_read_is_told() {
        let wrong = [
            (Column::BatchWindow, "5 parsecs"),
            (Column::MaxEvents, "-1"),
            (Column::MaxSegments, "3.5"),
            (Column::Order, "fifo"),
            (Column::Ttl, "ten"),
            (Column::Overflow, "Drop"),
            (Column::Content, "some"),
            (Column::Ids, "none"),
            (Column::Receipts, "some"),
            (Column::Priority, "first"),
            (Column::AtLimit, "wait"),
            (Column::Types, "a,,b"),
            (Column::Coalesce, "newest"),
        ];
        let told = row(&wrong).into_activation("").unwrap_err();
        assert_eq!(told.iter().map(|one| (one.column.unwrap(), one.value.as_str())).collect::<Vec<_>>(), wrong);
        assert_eq!(told[3].words(false), "order \"fifo\": none of strict, pipelined");
        let both = row(&[(Column::Source, "http://example.com/"), (Column::Feed, "a")]).into_activation("");
        assert_eq!(both.unwrap_err()[0].words(false), "feed \"a\": only one of source and feed is allowed");
    }

    #[test]
    fn what_is_left_out_is_left_to_the_server() {
        let request = row(&[(Column::To, "1"), (Column::Ttl, ""), (Column::Application, "")]).into_activation("acme");
        let expected = ActivateRequest {
            tenant: "acme".to_owned(),
            to: "1".to_owned(),
            application: Some(String::new()),
            source: Some(Source::default()),
            policy: Some(proto::Policy::default()),
            ..ActivateRequest::default()
        };
        assert_eq!(request, Ok(expected));
    }
}
