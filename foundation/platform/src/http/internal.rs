//! Serving the calls of other services: operations below `/internal/`, which no gateway serves and no document shows.
//!
//! Only the role `service` may call them, and only in the name of the installation. A call that changes something goes
//! through [`crate::idempotency::Call::run`], like every operation that people call.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use contracts::calls::Call;
use http::Request;
use serde_json::{Map, Value, json};

use super::call;
use super::extract::{BodyLimit, read};
use super::openapi::ServiceApi;
use super::problem;
use crate::auth::{Role, Who};
use crate::db::{BoxFuture, Scope};
use crate::idempotency::{self, Answer};
use crate::permissions::{Permission, Tenant};
use crate::{Error, Kind, Result};

/// The longest body that makes sense here.
const LIMIT: BodyLimit = BodyLimit(1024 * 1024);

/// The internal operations of one service, being collected.
pub struct Internal<S> {
    service: &'static str,
    state: S,
    router: Router,
    paths: Map<String, Value>,
    permissions: Vec<Permission>,
}

impl<S: Clone + Send + Sync + 'static> Internal<S> {
    /// Nothing yet.
    pub fn new(service: &'static str, state: S) -> Self {
        Self { service, state, router: Router::new(), paths: Map::new(), permissions: Vec::new() }
    }

    /// Answers a call that changes nothing, about an organisation.
    #[must_use]
    pub fn ask<C, F>(self, operation: &'static str, handler: F) -> Self
    where
        C: Call,
        F: Fn(S, Scope, C) -> BoxFuture<'static, Result<C::Answer>> + Send + Sync + 'static,
    {
        self.answer(operation, Tenant::Own, handler)
    }

    /// Answers a call that changes nothing, about the installation.
    #[must_use]
    pub fn ask_installation<C, F>(self, operation: &'static str, handler: F) -> Self
    where
        C: Call,
        F: Fn(S, Scope, C) -> BoxFuture<'static, Result<C::Answer>> + Send + Sync + 'static,
    {
        self.answer(operation, Tenant::None, handler)
    }

    fn answer<C, F>(self, operation: &'static str, tenant: Tenant, handler: F) -> Self
    where
        C: Call,
        F: Fn(S, Scope, C) -> BoxFuture<'static, Result<C::Answer>> + Send + Sync + 'static,
    {
        let (state, handler) = (self.state.clone(), Arc::new(handler));
        self.add::<C, _>(operation, tenant, move |incoming| {
            let (state, handler) = (state.clone(), Arc::clone(&handler));
            Box::pin(async move {
                let (call, body) = incoming?;
                let answer = handler(state, call.scope, body).await?;
                Ok(Answer::json(200, &answer)?.into_response())
            })
        })
    }

    /// Does what a call asks for. The handler runs its command with the [`idempotency::Call`] it is given and answers with
    /// the JSON of [`Call::Answer`].
    #[must_use]
    pub fn tell<C, F>(self, operation: &'static str, handler: F) -> Self
    where
        C: Call,
        F: Fn(S, idempotency::Call, C) -> BoxFuture<'static, Result<Answer>> + Send + Sync + 'static,
    {
        let (state, handler) = (self.state.clone(), Arc::new(handler));
        self.add::<C, _>(operation, Tenant::Own, move |incoming| {
            let (state, handler) = (state.clone(), Arc::clone(&handler));
            Box::pin(async move {
                let (call, body) = incoming?;
                Ok(handler(state, call, body).await?.into_response())
            })
        })
    }

    fn add<C, F>(mut self, operation: &'static str, tenant: Tenant, serve: F) -> Self
    where
        C: Call,
        F: Fn(Result<(idempotency::Call, C)>) -> BoxFuture<'static, Result<Response>>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.router = self.router.route(
            C::PATH,
            post(move |request: Request<Body>| {
                let serve = serve.clone();
                async move { serve(incoming::<C>(request).await).await }
            }),
        );
        self.paths.insert(C::PATH.to_owned(), json!({ "post": { "operationId": operation } }));
        let roles = &[Role::Service];
        self.permissions.push(Permission { operation, roles, scope: None, tenant });
        self
    }

    /// The router with its table of operations.
    pub fn finish(self) -> ServiceApi {
        let router =
            self.router.fallback(problem::fallback).method_not_allowed_fallback(problem::method_not_allowed);
        ServiceApi::internal(self.service, router, json!({ "paths": self.paths }), self.permissions)
    }
}

/// What a call says. Its caller was admitted by the gate; a person or key with the right role is not the installation.
async fn incoming<C: Call>(request: Request<Body>) -> Result<(idempotency::Call, C)> {
    let (parts, body) = request.into_parts();
    let bytes = read(body, LIMIT).await?;
    let (principal, call) = call::call(&parts, &bytes)?;
    if principal.who != Who::System {
        return Err(Error::forbidden());
    }
    // The library's words are not passed on, not even to the log: they could repeat a secret of the body.
    let malformed = |_said: serde_json::Error| {
        Error::new(Kind::Malformed, "malformed", "This is not the call of this address.")
    };
    let body = serde_json::from_slice(&bytes).map_err(malformed)?;
    Ok((call, body))
}
