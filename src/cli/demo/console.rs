//! The demo's console: a page that is a handset and a client application, and shows what goes on between the parts.
//!
//! The page is served by the push proxy. It says by a token whose handset it is; the key is made up at start.

use crate::model::{Msisdn, MsisdnError};
use crate::proxy::Page;
use crate::sim::Modem;
use jsonwebtoken::{EncodingKey, Header};
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Octets of the key, which go into the configuration as twice as many digits.
const KEY_OCTETS: usize = 32;
const AUDIENCE: &str = "bellwire";
/// How long the token is good: longer than anybody shows anything.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a short message takes in the air: slow enough to be seen, quick enough to be waited for.
const SMS_DELAY: Duration = Duration::from_millis(400);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

/// The console, as the proxy serves it.
pub(super) struct Console {
    key: String,
    session: String,
    modem: Arc<Modem>,
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in super::super) enum ConsoleError {
    #[error("no chance to be had: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("no token for the console: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("{0}")]
    Number(#[from] MsisdnError),
}

impl Console {
    /// The handset of `number`, which follows the stream at `eventsource` and receives messages from `modem`.
    ///
    /// # Errors
    /// When there is no chance for a key, or `number` is none.
    pub fn new(eventsource: &str, modem: Modem, number: &str) -> Result<Self, ConsoleError> {
        let key = key()?;
        let session = serde_json::json!({
            "token": token(&key, number)?,
            "eventsource": eventsource,
            "modem": format!("{}&delay_ms={}", modem.url(number), SMS_DELAY.as_millis()),
            "number": number.parse::<Msisdn>()?.to_string(),
        });
        Ok(Self { key, session: session.to_string(), modem: Arc::new(modem) })
    }

    /// What gets the messages of the handset.
    pub fn modem(&self) -> Arc<Modem> {
        Arc::clone(&self.modem)
    }

    /// What of the configuration is the console's: whoever asks for pushes has to prove that they arrive.
    pub fn config(&self) -> String {
        let Self { key, .. } = self;
        format!(
            r#"
            [relay]
            probe = true
            push_after = "2s"
            [access.token]
            audience = "{AUDIENCE}"
            [[access.token.key]]
            algorithm = "HS256"
            secret = "{key}"
            "#
        )
    }

    /// What the proxy serves beside itself.
    pub fn pages(&self) -> Vec<Page> {
        let page = |path, content_type, text: &'static str| Page { path, content_type, text: Cow::Borrowed(text) };
        let session = Page { path: "/console/session.json", content_type: JSON, text: self.session.clone().into() };
        vec![
            page("/console", HTML, include_str!("console/console.html")),
            page("/console/console.css", CSS, include_str!("console/console.css")),
            page("/console/console.js", JAVASCRIPT, include_str!("console/console.js")),
            page("/console/chart.js", JAVASCRIPT, include_str!("console/chart.js")),
            page("/console/ledger.js", JAVASCRIPT, include_str!("console/ledger.js")),
            page("/console/radio.js", JAVASCRIPT, include_str!("console/radio.js")),
            page("/console/stocks.js", JAVASCRIPT, include_str!("console/stocks.js")),
            session,
        ]
    }
}

fn key() -> Result<String, getrandom::Error> {
    let mut octets = [0; KEY_OCTETS];
    getrandom::fill(&mut octets)?;
    Ok(octets.iter().fold(String::new(), |mut digits, octet| {
        // Writing to a String does not fail.
        let _ = write!(digits, "{octet:02x}");
        digits
    }))
}

fn token(key: &str, number: &str) -> Result<String, jsonwebtoken::errors::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = serde_json::json!({ "sub": number, "aud": AUDIENCE, "exp": (now + TOKEN_LIFETIME).as_secs() });
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn the_proxy_believes_the_token_of_the_session() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let console =
            Console::new("http://127.0.0.1:1/stocks", Modem::start(listener).unwrap(), "15555550123").unwrap();
        let smsc = "[[smsc]]\nname = \"simulated\"\naddress = \"127.0.0.1:1\"\n";
        let config = Config::parse("demo", &(smsc.to_owned() + &console.config()), std::iter::empty(), &[]).unwrap();
        let identities = crate::app::identities(&config.access).unwrap();
        let session: serde_json::Value = serde_json::from_str(&console.session).unwrap();
        let mut headers = http::HeaderMap::new();
        let bearer = format!("Bearer {}", session["token"].as_str().unwrap());
        headers.insert("authorization", bearer.parse().unwrap());
        let asked = crate::proxy::identity::Asked {
            peer: [127, 0, 0, 1].into(),
            headers: &headers,
            query_token: None,
            unix_seconds: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        };
        let identity = identities.identify(&asked).unwrap().unwrap();
        assert_eq!(identity.number.digits(), "15555550123");
        assert!(!session["number"].as_str().unwrap().contains("5555550"), "it is masked");
    }
}
