//! The API document of the whole installation.

use std::collections::BTreeSet;

use platform::http::openapi::incomplete;

use crate::app::{App, nobody};

#[tokio::test]
async fn the_document_is_complete() {
    let app = App::new().await;
    assert_eq!(incomplete(app.document.value()), Vec::<String>::new());
}

#[tokio::test]
async fn operation_ids_are_pinned() {
    let app = App::new().await;
    let operations = app.document.operations();
    let mut lines: Vec<String> = operations
        .all()
        .iter()
        .map(|operation| format!("{} {} {}", operation.id, operation.method, operation.template))
        .collect();
    let ids: BTreeSet<_> = operations.all().iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(ids.len(), lines.len());
    lines.retain(|line| !line.contains(" /healthz") && !line.contains(" /readyz"));
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}

/// D3: a route that the document does not know cannot be reached, and one that it knows is there.
#[tokio::test]
async fn every_operation_of_the_document_is_a_route_and_reaches_its_handler() {
    let app = App::new().await;
    for operation in app.document.operations().all() {
        let path =
            operation.template.replace("{id}", &nobody("x")).replace("{token}", "x").replace("{file}", "x");
        let reply = app.client.call(operation.method.clone(), path).send().await;
        assert_ne!(reply.status, 405, "{}", operation.id);
        assert!(
            reply.status != 404 || reply.json()["detail"] != "There is no such path.",
            "{}: {reply}",
            operation.id
        );
    }
    for hidden in [
        "/debug",
        "/api/v1/debug",
        "/api/v1",
        "/api/v1/users",
        "/api/v1/auth",
        "/api/v2/members",
        "/metrics/x",
    ] {
        assert_eq!(app.get(hidden).await.status, 404, "{hidden}");
    }
}
