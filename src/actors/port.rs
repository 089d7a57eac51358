//! Where an actor sends facts without knowing who takes them: a test passes a closure.

use std::fmt;
use std::sync::Arc;

/// A place to send `T` to. Sending never waits; who takes it may be gone.
pub struct Port<T>(Arc<dyn Fn(T) + Send + Sync>);

impl<T> Port<T> {
    /// A port that calls `take`.
    pub fn new(take: impl Fn(T) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Hands `fact` over.
    pub fn send(&self, fact: T) {
        (self.0)(fact);
    }
}

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Port<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Port")
    }
}
