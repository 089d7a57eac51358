//! What is wrong with a request: every field of it at once, each by its path (google.rpc.BadRequest).

use crate::control::proto::{FieldViolation, Rejected};
use std::fmt::Display;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Wrong fields, as they are found.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<FieldViolation>);

impl Violations {
    /// Notes what is wrong with `field`.
    pub fn add(&mut self, field: impl Into<String>, description: impl Display) {
        self.0.push(FieldViolation { field: field.into(), description: description.to_string() });
    }

    /// The value of `field`, or a note of why it has none.
    pub fn take<T>(&mut self, field: impl Into<String>, read: Result<T, impl Display>) -> Option<T> {
        read.map_err(|error| self.add(field, error)).ok()
    }

    /// What was read, if nothing was wrong with it.
    ///
    /// # Errors
    /// With everything that was noted. What is missing without a note would be an error in here and is refused too.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Self> {
        read.filter(|_| self.0.is_empty()).ok_or(self)
    }

    /// Each wrong field.
    pub fn into_fields(self) -> Vec<FieldViolation> {
        self.0
    }

    fn message(&self) -> String {
        let fields: Vec<String> = self.0.iter().map(|one| format!("{}: {}", one.field, one.description)).collect();
        fields.join("; ")
    }
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Self {
        let mut details = ErrorDetails::new();
        for FieldViolation { field, description } in &violations.0 {
            details.add_bad_request_violation(field, description);
        }
        Self::with_error_details(Code::InvalidArgument, violations.message(), details)
    }
}

impl From<Violations> for Rejected {
    fn from(violations: Violations) -> Self {
        Self { code: Code::InvalidArgument.into(), message: violations.message(), violations: violations.0 }
    }
}
