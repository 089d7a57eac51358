//! `[push]`: how pushes are addressed on handsets. The type belongs to the model.

use super::explain::Explained;
use super::section::{Section, text};
use super::written::Value;
use crate::model::{ApplicationId, Profile, PushSettings};

const APPLICATION_ID: &str = "a 32-bit number, 1 to 64 printable ASCII characters without blanks, or empty for none";

pub(super) fn read(mut section: Section<'_>) -> PushSettings {
    let default = PushSettings::default();
    let profiles = [Profile::Standard, Profile::Compact, Profile::Data].map(|profile| (profile.as_str(), profile));
    let settings = PushSettings {
        profile: section.choice("profile", default.profile, &profiles),
        application: section.read("application_id", default.application, APPLICATION_ID, |value| match value {
            Value::Integer(code) => u32::try_from(*code).ok().map(ApplicationId::Code),
            other => text(other)?.parse().ok(),
        }),
        destination_port: section.integer("destination_port", default.destination_port, 1..=u16::MAX),
        source_port: section.integer("source_port", default.source_port, 1..=u16::MAX),
        data_port: section.integer("data_port", default.data_port, 1..=u16::MAX),
        unreceipted_per_handset: section.integer("unreceipted_per_handset", default.unreceipted_per_handset, 0..=1000),
        data_source_port: section.integer("data_source_port", default.data_source_port, 1..=u16::MAX),
    };
    section.finish();
    settings
}

pub(super) fn explain(settings: &PushSettings, explained: &mut Explained) {
    explained
        .section("[push]")
        .text("profile", settings.profile.as_str())
        .text("application_id", &settings.application)
        .plain("destination_port", settings.destination_port)
        .plain("source_port", settings.source_port)
        .plain("data_port", settings.data_port)
        .plain("data_source_port", settings.data_source_port)
        .plain("unreceipted_per_handset", settings.unreceipted_per_handset);
}
