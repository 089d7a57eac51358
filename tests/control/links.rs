//! `Smsc`: links are shown, drained and resumed.

use crate::house::{House, fields};
use bellwire::control::proto::link::{Mode, State};
use bellwire::control::proto::{DrainLinkRequest, ListLinksRequest, ResumeLinkRequest};
use tonic::Code;

#[tokio::test]
async fn a_link_is_shown_drained_and_resumed() {
    let house = House::open().await;
    let mut smsc = house.smsc();
    let links = smsc.list_links(ListLinksRequest {}).await.unwrap().into_inner().links;
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].smsc.as_str(), links[0].index), ("main", 0));
    assert_eq!((links[0].mode(), links[0].state()), (Mode::Transceiver, State::Bound));
    assert_eq!((links[0].open, links[0].window), (3, 10));
    assert_eq!(links[0].last_error, "connection refused");
    let drain = DrainLinkRequest { smsc: "main".to_owned(), index: 0 };
    let drained = smsc.drain_link(drain).await.unwrap().into_inner().link.unwrap();
    assert_eq!(drained.state(), State::Draining);
    let resume = ResumeLinkRequest { smsc: "main".to_owned(), index: 0 };
    let resumed = smsc.resume_link(resume).await.unwrap().into_inner().link.unwrap();
    assert_eq!(resumed.state(), State::Bound);
}

#[tokio::test]
async fn a_link_that_is_not_configured_is_not_found() {
    let house = House::open().await;
    let mut smsc = house.smsc();
    let error = smsc.drain_link(DrainLinkRequest { smsc: "main".to_owned(), index: 1 }).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    let error = smsc.resume_link(ResumeLinkRequest { smsc: "spare".to_owned(), index: 0 }).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    let error = smsc.drain_link(DrainLinkRequest::default()).await.unwrap_err();
    assert_eq!((error.code(), fields(&error)), (Code::InvalidArgument, vec!["smsc".to_owned()]));
}
