//! What a session is to be, where it stands, and why it is over.

use crate::codec::smpp::{BindMode, CommandStatus, EncodeError, FrameError, InterfaceVersion};
use crate::engine::pacing::PacingSettings;
use crate::engine::verdict::Judge;
use std::time::Duration;

/// What a session is to be.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Transceiver, transmitter or receiver.
    pub mode: BindMode,
    /// Who we are.
    pub system_id: String,
    /// How we prove it.
    pub password: String,
    /// Kind of ESME, mostly empty.
    pub system_type: String,
    /// The version that is offered.
    pub version: InterfaceVersion,
    /// Whether messages have optional parameters: then an SMSC that must not be sent any is of no use.
    pub needs_tlvs: bool,
    /// Submits awaiting their response; SMSCs drop sessions that exceed their own limit.
    pub window: usize,
    /// Segments per second.
    pub pacing: PacingSettings,
    /// What the SMSC's statuses mean.
    pub judge: Judge,
    /// Silence after which the peer is asked whether it lives.
    pub enquire_link: Duration,
    /// Longest wait for a response.
    pub response_timeout: Duration,
    /// Longest wait for the response to the bind.
    pub bind_timeout: Duration,
    /// Whether a submit whose outcome nobody knows may be sent once more.
    pub resend_unknown: bool,
}

/// Where a session stands (SMPP v3.4 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The bind was sent.
    Binding,
    /// Messages may go.
    Bound,
    /// unbind was sent: nothing new goes, answers still come.
    Unbinding,
    /// Both sides know that it is over.
    Unbound,
}

/// Why a session is over.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The bind was refused.
    #[error("bind refused with status {:#010x}, {}", .0.0, .0.description())]
    BindRefused(CommandStatus),
    /// Messages need optional parameters, and one side is of a version that has none.
    #[error("v3.3 has no optional parameters, and the payload needs them")]
    NoTlvs,
    /// No answer to the bind.
    #[error("no answer to the bind within {0:?}")]
    BindTimeout(Duration),
    /// No answer to enquire_link.
    #[error("no sign of life within {0:?}")]
    Silent(Duration),
    /// The octets are no PDUs any more; nobody can say where the next one starts.
    #[error("stream out of step: {0}")]
    OutOfStep(#[from] FrameError),
    /// The peer said that the session is not what we think.
    #[error("a submit was answered with status {:#010x}: bind anew", .0.0)]
    WrongState(CommandStatus),
    /// The peer ended the session.
    #[error("the peer unbound")]
    PeerUnbound,
    /// A setting does not fit its field.
    #[error("bind: {0}")]
    Bind(#[from] EncodeError),
}
