use kernel::ids::OrgId;
use utoipa_axum::routes;

use super::*;
use crate::http::Json;
use crate::permissions::{MANAGERS, PUBLIC, Tenant};

#[derive(serde::Deserialize, serde::Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "org_01h455vb4pex5vsknk084sn02q", "name": "Bakery"}))]
struct Shop {
    #[schema(schema_with = type_id::<OrgId>)]
    id: String,
    name: String,
    #[schema(format = "email")]
    mail: Option<String>,
}

mod other {
    #[derive(serde::Serialize, utoipa::ToSchema)]
    pub struct Shop {
        pub street: String,
    }
}

/// Creates a shop.
#[utoipa::path(
    post, path = "/api/v1/shops", operation_id = "create_shop", tag = "shops", request_body = Shop,
    responses((status = 201, description = "Created.", body = Shop), (status = 409, description = "The name is taken."))
)]
async fn create(body: axum::Json<Shop>) -> axum::Json<Shop> {
    body
}

#[utoipa::path(
    get, path = "/api/v1/shops/{id}", operation_id = "get_shop",
    params(("id" = String, Path), ("if-match" = String, Header), ("if-none-match" = Option<String>, Header)),
    responses((status = 200, body = other::Shop))
)]
async fn one() -> Json<other::Shop> {
    Json(other::Shop { street: String::new() })
}

const INFO: Info = Info { title: "T", version: "1", description: "D", licence: "AGPL-3.0-only" };
const CREATE: Permission =
    Permission { operation: "create_shop", roles: MANAGERS, scope: Some("shops:write"), tenant: Tenant::Own };
const ONE: Permission =
    Permission { operation: "get_shop", roles: PUBLIC, scope: None, tenant: Tenant::None };

fn shops() -> ServiceApi {
    Api::new("shops").routes(routes!(create)).finish(&[CREATE]).unwrap()
}

#[test]
fn every_operation_gets_what_holds_for_all() {
    let document = assemble(&INFO, &[&shops()]).unwrap();
    let operation = &document.value()["paths"]["/api/v1/shops"]["post"];
    for status in ["400", "401", "403", "409", "413", "415", "422", "429", "500", "503"] {
        assert!(operation["responses"].get(status).is_some(), "{status}");
    }
    assert_eq!(operation["responses"]["409"]["description"], "The name is taken.");
    assert!(operation["responses"]["409"]["content"]["application/problem+json"].is_object());
    assert_eq!(operation["x-permission"]["roles"], json!(["owner", "manager"]));
    assert_eq!(operation["x-permission"]["scope"], "shops:write");
    assert_eq!(operation["security"], json!([{ "bearer": [] }]));
    assert_eq!(operation["parameters"][0]["$ref"], "#/components/parameters/IdempotencyKey");
    assert!(operation["responses"]["201"]["headers"]["RateLimit"].is_object());
    assert_eq!(document.value()["openapi"], "3.1.0");
}

#[test]
fn texts_exclude_what_is_refused_and_ids_have_their_form() {
    let document = assemble(&INFO, &[&shops()]).unwrap();
    let shop = &document.value()["components"]["schemas"]["Shop"]["properties"];
    assert_eq!(shop["id"]["pattern"], "^org_[0-7][0-9a-hjkmnp-tv-z]{25}$");
    assert_eq!(shop["name"]["pattern"], "^[^\\u0000]*$");
    assert!(shop["mail"].get("pattern").is_none());
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        if let Some(reference) = value["$ref"].as_str() {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        value.as_object().into_iter().flatten().for_each(|(_, member)| walk(document, member));
        value.as_array().into_iter().flatten().for_each(|member| walk(document, member));
    }
    let document = assemble(&INFO, &[&shops()]).unwrap();
    walk(document.value(), document.value());
}

#[test]
fn two_schemas_of_one_name_are_found_within_and_across_services() {
    let within =
        Api::new("shops").routes(routes!(create)).routes(routes!(one)).finish(&[CREATE, ONE]).unwrap();
    let error = assemble(&INFO, &[&within]).unwrap_err();
    assert!(error.chain().contains("two different schemas are called `Shop`"), "{}", error.chain());
    let foreign = Api::new("other").routes(routes!(one)).finish(&[ONE]).unwrap();
    let error = assemble(&INFO, &[&shops(), &foreign]).unwrap_err();
    assert!(error.chain().contains("two different schemas are called `Shop`"), "{}", error.chain());
}

#[test]
fn what_a_reader_misses_is_listed() {
    let document = assemble(&INFO, &[&shops()]).unwrap();
    assert_eq!(incomplete(document.value()), Vec::<String>::new());
    let foreign = Api::new("other").routes(routes!(one)).finish(&[ONE]).unwrap();
    let missing = incomplete(assemble(&INFO, &[&foreign]).unwrap().value());
    assert!(missing.contains(&"GET /api/v1/shops/{id}: no tag".to_owned()), "{missing:?}");
    assert!(
        missing.contains(&"GET /api/v1/shops/{id}: response 200 has no example".to_owned()),
        "{missing:?}"
    );
}

#[test]
fn a_demanded_if_match_brings_412_and_428() {
    let foreign = Api::new("other").routes(routes!(one)).finish(&[ONE]).unwrap();
    let document = assemble(&INFO, &[&foreign]).unwrap();
    let operation = &document.value()["paths"]["/api/v1/shops/{id}"]["get"];
    assert!(operation["responses"].get("412").is_some() && operation["responses"].get("428").is_some());
    assert!(operation["responses"].get("404").is_some() && operation["responses"].get("403").is_none());
    assert_eq!(operation["security"], json!([]));
}

#[test]
fn a_parameter_is_absent_and_never_null() {
    let foreign = Api::new("other").routes(routes!(one)).finish(&[ONE]).unwrap();
    let document = assemble(&INFO, &[&foreign]).unwrap();
    let parameters = document.value()["paths"]["/api/v1/shops/{id}"]["get"]["parameters"].as_array().unwrap();
    let optional = parameters.iter().find(|parameter| parameter["name"] == "if-none-match").unwrap();
    assert_eq!((&optional["schema"]["type"], &optional["required"]), (&json!("string"), &json!(false)));
}
