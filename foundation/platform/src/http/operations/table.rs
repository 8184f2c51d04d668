//! Which operation a method and path mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use http::Method;
use serde_json::Value;

use crate::http::openapi::ServiceApi;
use crate::permissions::Permission;

/// Methods of the document, in the order in which `Allow` names them.
pub(in crate::http) const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("patch", Method::PATCH),
    ("delete", Method::DELETE),
];

/// One operation of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id, unique over all services.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// The path with `{parameters}`.
    pub template: Arc<str>,
    /// Whose it is.
    pub service: &'static str,
    /// Who may call it.
    pub permission: Permission,
    /// The query parameters it knows.
    pub query: BTreeSet<String>,
    /// Whether it takes whatever query parameters come (`x-any-query`): foreign protocols add their own.
    pub any_query: bool,
    /// Whether it reads the credential itself (`x-own-credential`), in the form of a foreign protocol.
    pub own_credential: bool,
    /// Whether it is a probe (`x-probe`): no credential, no rate limit.
    pub probe: bool,
}

/// A reason for which documents and permissions do not make a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The permission table lacks a row.
    #[error("operation `{0}` has no row in the permission table")]
    NoPermission(String),
    /// The permission table has a row too many.
    #[error("permission row `{0}` belongs to no operation")]
    NoOperation(String),
    /// The permission table has two rows for one operation.
    #[error("operation `{0}` has more than one row in the permission table")]
    DoublePermission(String),
    /// Ids must be unique over all services.
    #[error("operation id `{0}` is used more than once")]
    DoubleOperation(String),
    /// Every operation needs an explicit id.
    #[error("{0} has no operation id")]
    NoId(String),
    /// Two services claim the same route, or the path is not a template.
    #[error("route {0} cannot be added: {1}")]
    Route(String, String),
    /// utoipa would let one overwrite the other.
    #[error("two different schemas are called `{0}`")]
    Schema(String),
}

/// Everything that is wrong, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the API document and the permission table do not agree:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n- {fault}"))
    }
}

impl std::error::Error for Faults {}

/// What a method and path mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// This operation.
    Found(Arc<Operation>),
    /// The path exists with these methods only (the value of `Allow`).
    OtherMethods(String),
    /// Nothing.
    Unknown,
}

/// The table.
#[derive(Clone, Default)]
pub struct Operations {
    routes: matchit::Router<BTreeMap<&'static str, Arc<Operation>>>,
    all: Vec<Arc<Operation>>,
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|operation| &operation.id)).finish()
    }
}

impl Operations {
    /// The table of these services, or everything that is wrong with them.
    pub fn build(apis: &[&ServiceApi]) -> Result<Self, Faults> {
        let mut faults: Vec<Fault> = apis.iter().flat_map(|api| api.faults().iter().cloned()).collect();
        let mut permissions = BTreeMap::new();
        for row in apis.iter().flat_map(|api| api.permissions()) {
            if permissions.insert(row.operation, *row).is_some() {
                faults.push(Fault::DoublePermission(row.operation.to_owned()));
            }
        }
        let mut all: Vec<Arc<Operation>> = Vec::new();
        let mut ids = BTreeSet::new();
        for api in apis {
            for (path, method, item) in operations_of(api.document()) {
                match read(api.service(), path, method, item, &permissions) {
                    Ok(operation) if ids.insert(operation.id.clone()) => all.push(Arc::new(operation)),
                    Ok(operation) => faults.push(Fault::DoubleOperation(operation.id)),
                    Err(fault) => {
                        if let Fault::NoPermission(id) = &fault {
                            ids.insert(id.clone());
                        }
                        faults.push(fault);
                    }
                }
            }
        }
        let orphans = permissions.keys().filter(|operation| !ids.contains(**operation));
        faults.extend(orphans.map(|operation| Fault::NoOperation((*operation).to_owned())));
        let routes = routes(&all, &mut faults);
        if faults.is_empty() { Ok(Self { routes, all }) } else { Err(Faults(faults)) }
    }

    /// What this request means.
    pub fn find(&self, method: &Method, path: &str) -> Lookup {
        let Ok(found) = self.routes.at(path) else {
            return Lookup::Unknown;
        };
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        match found.value.get(wanted.as_str()) {
            Some(operation) => Lookup::Found(Arc::clone(operation)),
            None => Lookup::OtherMethods(allow(found.value)),
        }
    }

    /// Every operation, in the order of the document.
    pub fn all(&self) -> &[Arc<Operation>] {
        &self.all
    }
}

/// Every `(path, method, operation)` of a document.
pub(in crate::http) fn operations_of(document: &Value) -> impl Iterator<Item = (&str, &'static str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |(name, _)| Some((path.as_str(), name, item.get(name)?)))
    })
}

fn read(
    service: &'static str,
    path: &str,
    name: &'static str,
    item: &Value,
    permissions: &BTreeMap<&'static str, Permission>,
) -> Result<Operation, Fault> {
    let method =
        METHODS.into_iter().find(|(known, _)| *known == name).map_or(Method::GET, |(_, method)| method);
    let id = item["operationId"].as_str().ok_or_else(|| Fault::NoId(format!("{method} {path}")))?;
    let permission = permissions.get(id).ok_or_else(|| Fault::NoPermission(id.to_owned()))?;
    let parameters = item["parameters"].as_array().into_iter().flatten();
    let query = parameters.filter(|parameter| parameter["in"] == "query").filter_map(|p| p["name"].as_str());
    Ok(Operation {
        id: id.to_owned(),
        method,
        template: Arc::from(path),
        service,
        permission: *permission,
        query: query.map(str::to_owned).collect(),
        any_query: item["x-any-query"] == true,
        own_credential: item["x-own-credential"] == true,
        probe: item["x-probe"] == true,
    })
}

fn routes(
    all: &[Arc<Operation>],
    faults: &mut Vec<Fault>,
) -> matchit::Router<BTreeMap<&'static str, Arc<Operation>>> {
    let mut paths: BTreeMap<&str, BTreeMap<&'static str, Arc<Operation>>> = BTreeMap::new();
    for operation in all {
        let name = METHODS
            .iter()
            .find(|(_, method)| *method == operation.method)
            .map_or("", |(_, m)| method_name(m));
        if paths.entry(&operation.template).or_default().insert(name, Arc::clone(operation)).is_some() {
            let route = format!("{} {}", operation.method, operation.template);
            faults.push(Fault::Route(route, "two services claim it".to_owned()));
        }
    }
    let mut router = matchit::Router::new();
    for (template, methods) in paths {
        if let Err(error) = router.insert(template, methods) {
            faults.push(Fault::Route(template.to_owned(), error.to_string()));
        }
    }
    router
}

fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "DELETE",
    }
}

fn allow(methods: &BTreeMap<&'static str, Arc<Operation>>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (_, method) in &METHODS {
        if methods.contains_key(method.as_str()) {
            names.push(method_name(method));
            if *method == Method::GET {
                names.push("HEAD");
            }
        }
    }
    names.join(", ")
}
