//! The OpenAPI 3.1 document, assembled from the services and completed with what holds for every operation.
//!
//! A service collects its routes in an [`Api`], which keeps the document of each part apart: utoipa lets two schemas
//! of one name overwrite each other, so clashes must be found before parts are merged. [`assemble`] joins the
//! services, adds problem responses, rate-limit headers, the security scheme, `Idempotency-Key` and `x-permission`
//! (`conventions`), and hands back the [`Document`] with its operation table.

mod completeness;
mod conventions;
mod examples;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use axum::Router;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::operations::{Fault, Faults, Operations};
use super::problem;
use crate::permissions::Permission;
use crate::{Error, Result};

pub use completeness::incomplete;
pub use schema::{optional_type_id, type_id, type_id_pattern};

/// The routes of one service, being collected.
pub struct Api<S = ()> {
    service: &'static str,
    inner: OpenApiRouter<S>,
    schemas: BTreeMap<String, Value>,
    faults: Vec<Fault>,
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// Nothing yet.
    pub fn new(service: &'static str) -> Self {
        Self { service, inner: OpenApiRouter::default(), schemas: BTreeMap::new(), faults: Vec::new() }
    }

    /// Adds what `utoipa_axum::routes!` collected.
    #[must_use]
    pub fn routes(mut self, routes: UtoipaMethodRouter<S>) -> Self {
        for (name, schema) in &routes.0 {
            let schema = serde_json::to_value(schema).unwrap_or_default();
            self.note(name, schema);
        }
        self.inner = self.inner.routes(routes);
        self
    }

    fn note(&mut self, name: &str, schema: Value) {
        match self.schemas.get(name) {
            Some(known) if *known != schema => self.faults.push(Fault::Schema(name.to_owned())),
            Some(_) => {}
            None => {
                self.schemas.insert(name.to_owned(), schema);
            }
        }
    }

    /// Provides the state that the handlers ask for.
    #[must_use]
    pub fn with_state(self, state: S) -> Api<()> {
        Api {
            service: self.service,
            inner: self.inner.with_state(state),
            schemas: self.schemas,
            faults: self.faults,
        }
    }
}

impl Api<()> {
    /// The router with its document and the permission rows of its operations.
    pub fn finish(self, permissions: &[Permission]) -> Result<ServiceApi> {
        let (router, document) = self.inner.split_for_parts();
        let router =
            router.fallback(problem::fallback).method_not_allowed_fallback(problem::method_not_allowed);
        Ok(ServiceApi {
            service: self.service,
            router,
            document: serde_json::to_value(document)?,
            permissions: permissions.to_vec(),
            faults: self.faults,
        })
    }
}

/// A service's router, document and permissions.
#[derive(Debug, Clone)]
pub struct ServiceApi {
    service: &'static str,
    router: Router,
    document: Value,
    permissions: Vec<Permission>,
    faults: Vec<Fault>,
}

impl ServiceApi {
    /// Operations for other services only: a table of paths, without descriptions.
    pub(in crate::http) fn internal(
        service: &'static str,
        router: Router,
        document: Value,
        permissions: Vec<Permission>,
    ) -> Self {
        Self { service, router, document, permissions, faults: Vec::new() }
    }

    /// Whose it is.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// The routes, with problem documents for unknown paths and methods.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The document as utoipa made it.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The rows of the permission table.
    pub fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    /// The same with other rows: for proofs that a wrong table is noticed.
    #[must_use]
    pub fn with_permissions(mut self, permissions: Vec<Permission>) -> Self {
        self.permissions = permissions;
        self
    }

    /// What was found wrong while collecting.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// What the document says about itself.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// The product.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it is, in Markdown.
    pub description: &'static str,
    /// SPDX.
    pub licence: &'static str,
}

/// The complete document with its operation table.
///
/// Cloning is cheap: it is an extension of every request.
#[derive(Debug, Clone)]
pub struct Document {
    value: std::sync::Arc<Value>,
    text: Bytes,
    etag: String,
    operations: std::sync::Arc<Operations>,
}

impl Document {
    /// As a JSON value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// As it is served.
    pub fn text(&self) -> Bytes {
        self.text.clone()
    }

    /// Its strong entity tag, in quotes.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The table that was built from it.
    pub fn operations(&self) -> std::sync::Arc<Operations> {
        std::sync::Arc::clone(&self.operations)
    }
}

/// Joins the services; fails with everything that does not fit.
pub fn assemble(info: &Info, apis: &[&ServiceApi]) -> Result<Document> {
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut paths: BTreeMap<String, Value> = BTreeMap::new();
    let mut faults = Vec::new();
    for api in apis {
        for (name, schema) in members(&api.document["components"]["schemas"]) {
            match schemas.insert(name.clone(), schema.clone()) {
                Some(other) if other != *schema => faults.push(Fault::Schema(name.clone())),
                _ => {}
            }
        }
        for (path, item) in members(&api.document["paths"]) {
            let methods = paths.entry(path.clone()).or_insert_with(|| json!({}));
            for (method, operation) in members(item) {
                methods[method] = operation.clone();
            }
        }
    }
    let operations = match Operations::build(apis) {
        Ok(operations) if faults.is_empty() => operations,
        Ok(_) => return Err(Error::internal(Faults(faults))),
        Err(Faults(more)) => {
            faults.extend(more);
            return Err(Error::internal(Faults(faults)));
        }
    };
    let mut value = json!({
        "openapi": "3.1.0",
        "info": {
            "title": info.title,
            "version": info.version,
            "description": info.description,
            "license": { "name": info.licence, "identifier": info.licence },
        },
        "paths": paths,
        "components": { "schemas": schemas },
    });
    conventions::apply(&mut value, &operations);
    let text = Bytes::from(serde_json::to_vec(&value)?);
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
    Ok(Document {
        value: std::sync::Arc::new(value),
        text,
        etag,
        operations: std::sync::Arc::new(operations),
    })
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
