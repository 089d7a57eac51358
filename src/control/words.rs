//! The words of a policy, between the model and the messages.

use super::proto;
use crate::model::{AtLimit, Coalesce, Content, EventTypes, Ids, Order, Overflow, Priority, Receipts};

macro_rules! words {
    ($($name:ident: $($case:ident),+;)+) => {$(
        impl From<$name> for proto::$name {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$case => Self::$case,)+
                }
            }
        }

        impl proto::$name {
            /// What it stands for; none if that is left to the server.
            pub fn meant(self) -> Option<$name> {
                match self {
                    Self::Unspecified => None,
                    $(Self::$case => Some($name::$case),)+
                }
            }
        }
    )+};
}

words! {
    Order: Strict, Pipelined;
    Overflow: Notify, Drop, Split;
    Content: All, Wake;
    Ids: Origin, All;
    Receipts: All, Last, Sample, None;
    Priority: Low, Normal, High, Urgent;
    AtLimit: Hold, Drop, Notify;
}

impl From<&Coalesce> for proto::Coalesce {
    fn from(coalesce: &Coalesce) -> Self {
        match coalesce {
            Coalesce::None => Self::None,
            Coalesce::Latest => Self::Latest,
            Coalesce::Type => Self::Type,
            Coalesce::Field(_) => Self::Field,
        }
    }
}

impl proto::Policy {
    /// Says which waiting events a later one makes needless.
    pub fn set_coalescing(&mut self, coalesce: &Coalesce) {
        self.coalesce = proto::Coalesce::from(coalesce).into();
        self.coalesce_field = match coalesce {
            Coalesce::Field(name) => name.as_str().to_owned(),
            _ => String::new(),
        };
    }

    /// Which waiting events a later one makes needless, as a configuration writes it.
    pub fn coalescing(&self) -> String {
        match self.coalesce() {
            proto::Coalesce::Field => format!("field:{}", self.coalesce_field),
            other => other.as_str_name().trim_start_matches("COALESCE_").to_ascii_lowercase(),
        }
    }
}

impl From<&EventTypes> for proto::EventTypes {
    fn from(types: &EventTypes) -> Self {
        Self { types: types.iter().map(str::to_owned).collect() }
    }
}
