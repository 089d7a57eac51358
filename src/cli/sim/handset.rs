//! `sim handset`: short messages on standard input, an event stream on standard output.

use super::super::{CommandError, hex};
use crate::codec::smpp::{Body, EsmClass, Pdu};
use crate::model::Msisdn;
use crate::sim::{HandsetSettings, Handsets, Message, Received};
use clap::Args;
use std::io::{self, BufRead, Write};
use std::time::Instant;

const EXAMPLE: &str = "\
Example:
  bellwire sim smsc --messages | bellwire sim handset
  printf 'data: hello\\n\\n' | bellwire encode --to 15551234567 | bellwire sim handset --show-numbers

A line is SOURCE DESTINATION HEX, or a submit_sm or deliver_sm in hexadecimal digits. Segments are joined and copies
removed as a handset does; the counts are printed to standard error as a line of JSON. The exit code is 1 if a line was
no short message with an event stream.";

/// Play handsets: print the events that short messages on standard input carry
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct HandsetArgs {
    /// Print numbers in full
    #[arg(long)]
    show_numbers: bool,
    /// UDH port that pushes are taken on
    #[arg(long, default_value_t = HandsetSettings::default().port)]
    port: u16,
    /// UDH port on which a message is an event stream and nothing else
    #[arg(long, default_value_t = HandsetSettings::default().data_port)]
    data_port: u16,
    /// UDH source port of the first stream there
    #[arg(long, default_value_t = HandsetSettings::default().data_source_port)]
    data_source_port: u16,
}

impl HandsetArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let Self { port, data_port, data_source_port, .. } = self;
        let settings = HandsetSettings { port, data_port, data_source_port, ..HandsetSettings::default() };
        let mut handsets = Handsets::new(settings);
        let started = Instant::now();
        let mut wrong = 0_u64;
        for (number, line) in (1..).zip(io::stdin().lock().lines()) {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            match receive(&mut handsets, &line, started) {
                Ok(None) => {}
                Ok(Some(push)) => self.show(&push)?,
                Err(why) => {
                    wrong += 1;
                    eprintln!("line {number}: {why}");
                }
            }
        }
        eprintln!("{}", serde_json::to_string(&handsets.stats()).map_err(io::Error::other)?);
        match wrong {
            0 => Ok(()),
            lines => Err(CommandError::Failed(format!("{lines} lines are no short message with an event stream"))),
        }
    }

    /// A push as an event stream; what is no event is a comment.
    fn show(&self, push: &Received) -> io::Result<()> {
        let number = match self.show_numbers {
            true => push.number.clone(),
            false => push.number.parse::<Msisdn>().map_or("…".to_owned(), |number| number.to_string()),
        };
        let mut text = format!(": {number} {} tid {}", push.application, push.tid);
        if let Some(stream) = push.stream {
            text.push_str(&format!(" stream {stream}"));
        }
        if let Some(uri) = &push.content_uri {
            text.push_str(&format!(" of {uri}"));
        }
        text.push_str(if push.duplicate { ", again\n\n" } else { "\n" });
        if let Some(gap) = push.gap {
            text.push_str(&format!(": {gap} events lost\n"));
        }
        if !push.duplicate {
            push.events.iter().for_each(|event| event.write(&mut text));
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

fn receive(handsets: &mut Handsets, line: &str, started: Instant) -> Result<Option<Received>, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut take = |source: &str, destination: &str, esm_class, short_message: &[u8]| {
        let message = Message { source, destination, esm_class, short_message };
        handsets.handle_message(message, started.elapsed()).map_err(|error| error.to_string())
    };
    if let [source, destination, digits] = words[..] {
        let short_message = hex::decode(digits).map_err(|error| error.to_string())?;
        return take(source, destination, EsmClass::UDHI, &short_message);
    }
    let octets = hex::decode(line).map_err(|error| error.to_string())?;
    let pdu = Pdu::decode(&octets).map_err(|error| error.to_string())?;
    let (source, destination, esm_class, user_data) = match pdu.body {
        Body::SubmitSm(message) => (message.source, message.destination, message.esm_class, message.user_data()),
        Body::DeliverSm(message) => (message.source, message.destination, message.esm_class, message.user_data()),
        _ => return Err(format!("{} is no message", pdu.header.command_id)),
    };
    let [source, destination] = [source, destination].map(|address| String::from_utf8_lossy(address.addr).into_owned());
    take(&source, &destination, esm_class, user_data)
}
