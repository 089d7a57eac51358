//! grpc.health.v1 and server reflection.

use crate::house::{House, within};
use std::collections::BTreeSet;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test]
async fn every_service_is_serving() {
    let house = House::open().await;
    let mut health = HealthClient::new(house.channel.clone());
    for service in ["", "bellwire.control.v1.Control", "bellwire.control.v1.Smsc"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let response = health.check(request).await.unwrap().into_inner();
        assert_eq!(response.status(), ServingStatus::Serving, "{service}");
    }
}

macro_rules! lists_the_services {
    ($test:ident, $version:ident) => {
        #[tokio::test]
        async fn $test() {
            use tonic_reflection::pb::$version::ServerReflectionRequest;
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;

            let house = House::open().await;
            let mut reflection = ServerReflectionClient::new(house.channel.clone());
            let ask = |what| ServerReflectionRequest { host: String::new(), message_request: Some(what) };
            let symbol = "bellwire.control.v1.Subscription".to_owned();
            let requests =
                [ask(MessageRequest::ListServices(String::new())), ask(MessageRequest::FileContainingSymbol(symbol))];
            let mut responses =
                reflection.server_reflection_info(tokio_stream::iter(requests)).await.unwrap().into_inner();
            let response = within(responses.message()).await.unwrap().unwrap().message_response;
            let Some(MessageResponse::ListServicesResponse(list)) = response else { panic!("{response:?}") };
            let names: BTreeSet<_> = list.service.into_iter().map(|service| service.name).collect();
            for name in ["bellwire.control.v1.Control", "bellwire.control.v1.Smsc", "grpc.health.v1.Health"] {
                assert!(names.contains(name), "{name} is not in {names:?}");
            }
            let response = within(responses.message()).await.unwrap().unwrap().message_response;
            let Some(MessageResponse::FileDescriptorResponse(file)) = response else { panic!("{response:?}") };
            assert_eq!(file.file_descriptor_proto.len(), 1);
        }
    };
}

lists_the_services!(reflection_v1_lists_the_services, v1);
lists_the_services!(reflection_v1alpha_lists_the_services, v1alpha);
