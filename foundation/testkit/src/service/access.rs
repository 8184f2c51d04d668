//! Who may do what, generated from the document: every operation x every caller.

use platform::auth::Role;
use platform::http::operations::Operation;
use serde_json::{Value, json};

use super::Town;
use crate::http::Reply;

impl Town {
    /// Tries every operation as everybody, on objects that do not exist, and compares with the permission table:
    ///
    /// | caller | expected |
    /// |---|---|
    /// | nobody | 401, unless the operation is public |
    /// | the role or scope does not fit | 403 |
    /// | fits | neither 401 nor 403 nor a failure of ours |
    ///
    /// Fails with the cells that differ; how many were tried. Whether objects of the other organisation stay hidden is for
    /// the stories of each service.
    pub async fn check_access(&self) -> usize {
        let (mut tried, mut wrong) = (0, Vec::new());
        for operation in self.document.operations().all() {
            let nobody = self.try_as(operation, None).await;
            let public = operation.permission.roles.contains(&Role::Anonymous);
            if !public && nobody.status != 401 {
                wrong.push(format!("nobody: {nobody}"));
            }
            for (role, token) in self.bakery.credentials() {
                let reply = self.try_as(operation, Some(token)).await;
                let is_key = matches!(role, Role::Service | Role::Device);
                let fits = operation.permission.roles.contains(&role)
                    && (!is_key || operation.permission.scope.is_some());
                let right = match reply.status {
                    403 => !public && (!fits || reply.code() != "forbidden"),
                    401 => false,
                    _ => public || fits,
                };
                tried += 1;
                if !right {
                    wrong.push(format!("{role}: {reply}"));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
        tried
    }

    async fn try_as(&self, operation: &Operation, token: Option<&str>) -> Reply {
        let item =
            &self.document.value()["paths"][&*operation.template][operation.method.as_str().to_lowercase()];
        let call = self.client.call(operation.method.clone(), path(operation, item));
        let call =
            if item.get("requestBody").is_some() { call.json(&json!({ "no_such_field": 1 })) } else { call };
        match token {
            Some(token) => call.bearer(token).send().await,
            None => call.send().await,
        }
    }
}

/// The path with the examples of its parameters.
fn path(operation: &Operation, item: &Value) -> String {
    let parameters = item["parameters"].as_array().into_iter().flatten();
    let in_path = parameters.filter(|parameter| parameter["in"] == "path");
    in_path.fold(operation.template.to_string(), |path, parameter| {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = parameter["example"].as_str().unwrap_or("x");
        path.replace(&format!("{{{name}}}"), example)
    })
}
