//! `/api/v1/endpoints`: the endpoints of all services in one list.

use axum::extract::State;
use axum::response::Response;
use model::view::{EndpointRow, ServiceRow};
use serde::Serialize;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::window::Window;

#[derive(Serialize)]
struct Endpoints {
    at_us: u64,
    window_s: f64,
    endpoints: Vec<Endpoint>,
}

#[derive(Serialize)]
struct Endpoint {
    service: String,
    namespace: String,
    instance: String,
    #[serde(flatten)]
    row: EndpointRow,
}

/// In the order of the services, each service's busiest first.
pub(super) async fn answer(State(ask): State<Ask>, window: Window) -> Result<Response, Problem> {
    ask.json(window, |snapshot| Endpoints {
        at_us: snapshot.at_us,
        window_s: snapshot.window_s,
        endpoints: snapshot.services.into_iter().flat_map(of_service).collect(),
    })
    .await
}

fn of_service(service: ServiceRow) -> impl Iterator<Item = Endpoint> {
    let ServiceRow { entity, endpoints, .. } = service;
    endpoints.into_iter().map(move |row| Endpoint {
        service: entity.name.clone(),
        namespace: entity.namespace.clone(),
        instance: entity.instance.clone(),
        row,
    })
}
