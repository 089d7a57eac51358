//! The columns of a row: the options of `sub activate`, by the same names.

/// A column, or the key of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::sub) enum Column {
    Tenant,
    Source,
    Feed,
    Credential,
    To,
    Handset,
    HandsetId,
    Application,
    LastEventId,
    BatchWindow,
    MaxEvents,
    MaxSegments,
    Order,
    Ttl,
    Overflow,
    Content,
    Ids,
    Receipts,
    Priority,
    AtLimit,
    Types,
    Coalesce,
}

/// How many there are.
const COUNT: usize = 22;

impl Column {
    /// Every column, in the order in which they are written.
    pub const ALL: [Self; COUNT] = [
        Self::Tenant,
        Self::Source,
        Self::Feed,
        Self::Credential,
        Self::To,
        Self::Handset,
        Self::HandsetId,
        Self::Application,
        Self::LastEventId,
        Self::BatchWindow,
        Self::MaxEvents,
        Self::MaxSegments,
        Self::Order,
        Self::Ttl,
        Self::Overflow,
        Self::Content,
        Self::Ids,
        Self::Receipts,
        Self::Priority,
        Self::AtLimit,
        Self::Types,
        Self::Coalesce,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Source => "source",
            Self::Feed => "feed",
            Self::Credential => "credential",
            Self::To => "to",
            Self::Handset => "handset",
            Self::HandsetId => "handset_id",
            Self::Application => "application",
            Self::LastEventId => "last_event_id",
            Self::BatchWindow => "batch_window",
            Self::MaxEvents => "max_events",
            Self::MaxSegments => "max_segments",
            Self::Order => "order",
            Self::Ttl => "ttl",
            Self::Overflow => "overflow",
            Self::Content => "content",
            Self::Ids => "ids",
            Self::Receipts => "receipts",
            Self::Priority => "priority",
            Self::AtLimit => "at_limit",
            Self::Types => "types",
            Self::Coalesce => "coalesce",
        }
    }

    /// The column called `name`; an option's hyphens are as good as underscores, and `number` is `to`.
    pub fn named(name: &str) -> Option<Self> {
        let exact = |name: &str| Self::ALL.into_iter().find(|column| column.name() == name);
        exact(name).or_else(|| match name {
            "number" => Some(Self::To),
            _ if name.contains('-') => exact(&name.replace('-', "_")),
            _ => None,
        })
    }

    /// The column that fills a field of a request.
    pub fn of_field(field: &str) -> Option<Self> {
        match field {
            "source.url" => Some(Self::Source),
            "policy.coalesce_field" => Some(Self::Coalesce),
            _ => Self::named(field.rsplit('.').next().unwrap_or(field)),
        }
    }

    /// Whether its value may be a list.
    pub fn is_list(self) -> bool {
        self == Self::Types
    }

    /// Whether its value is a whole number.
    pub fn is_count(self) -> bool {
        matches!(self, Self::MaxEvents | Self::MaxSegments)
    }
}

/// Says that there is no such column, and which ones there are.
pub(super) fn unknown(name: &str) -> String {
    let name: String = name.chars().take(80).collect();
    let known: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
    format!("{name:?} is none of {}", known.join(", "))
}

/// A row: a value for some of the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli::sub) struct Row([Option<String>; COUNT]);

impl Row {
    /// The value of a column; none if it is left out.
    pub fn get(&self, column: Column) -> Option<&str> {
        self.0[column as usize].as_deref()
    }

    /// Takes the value of a column out.
    pub fn take(&mut self, column: Column) -> Option<String> {
        self.0[column as usize].take()
    }

    /// Sets it.
    pub fn set(&mut self, column: Column, value: Option<String>) {
        self.0[column as usize] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_their_names_and_stand_in_their_places() {
        for (at, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!((column as usize, Column::named(column.name())), (at, Some(column)));
        }
        assert_eq!(
            [Column::named("batch-window"), Column::named("number")],
            [Some(Column::BatchWindow), Some(Column::To)]
        );
        assert_eq!([Column::named("To"), Column::named("")], [None, None]);
        let of = ["source.url", "source.feed", "source", "policy.ttl"].map(Column::of_field);
        assert_eq!(of, [Column::Source, Column::Feed, Column::Source, Column::Ttl].map(Some));
    }
}
