//! Who may do what, generated from the document: every operation x every caller x own, foreign and missing object x
//! every way of presenting the credential (row E1 of the reliability catalogue).
//!
//! Expected is what the permission table says, read here in the words of the table and not through its own code:
//!
//! | caller | expected |
//! |---|---|
//! | role, scope or organisation does not fit | 403 |
//! | nobody, or a credential presented in another way than `Authorization: Bearer` | 401 where the operation is not public |
//! | fits, own object | neither 401 nor 403 nor 5xx (unless the domain refuses the caller) |
//! | fits, foreign object | exactly what a missing object answers; never 2xx |

use http::Method;
use platform::auth::Role;
use platform::http::operations::Operation;
use platform::permissions::Tenant;
use serde_json::{Value, json};
use testkit::Proof;
use testkit::http::{Call, Reply};

use crate::app::{App, Org, Town, Wishes, nobody};

/// Objects of an organisation that stand in paths.
struct Objects {
    organization: String,
    member: String,
    invitation: String,
    key: String,
    session: String,
    user: String,
    passkey: String,
}

impl Objects {
    async fn of(app: &App, org: &Org) -> Self {
        let made = app
            .post("/api/v1/invitations", json!({ "role": "customer" }))
            .bearer(&org.owner.token)
            .await
            .is(201);
        // A member of nobody's story: what is tried on it disturbs no caller.
        let login = crate::app::Login::Email(format!("extra@{}.example", org.id()).replace('_', "-"));
        let extra = app.join(&org.owner, "customer", "Extra", login).await;
        Self {
            organization: org.id().to_owned(),
            member: app.member_of(&org.owner, &extra.user).await,
            invitation: made.text("/invitation/id"),
            key: app.api_key(&org.owner, "api", &["members:read"]).await.text("/api_key/id"),
            session: extra.session(),
            user: extra.user,
            // Of somebody else, whoever looks: `passkeys` has the stories of one's own.
            passkey: nobody("passkey"),
        }
    }

    fn nothing() -> Self {
        Self {
            organization: nobody("org"),
            member: nobody("member"),
            invitation: nobody("invite"),
            key: nobody("key"),
            session: nobody("session"),
            user: nobody("user"),
            passkey: nobody("passkey"),
        }
    }

    /// The path of an operation on these objects; `None` where the path names none.
    fn path(&self, template: &str) -> Option<String> {
        let id = [
            ("/organizations/", &self.organization),
            ("/members/", &self.member),
            ("/invitations/", &self.invitation),
            ("/api-keys/", &self.key),
            ("/sessions/", &self.session),
            ("/users/", &self.user),
            ("/passkeys/", &self.passkey),
        ]
        .into_iter()
        .find(|(part, _)| template.contains(&format!("{part}{{id}}")))?
        .1;
        Some(template.replace("{id}", id))
    }
}

/// How a credential can be presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presented {
    Bearer,
    LowerCase,
    Basic,
    Query,
    Cookie,
    Subprotocol,
}

impl Presented {
    const ALL: [Self; 6] =
        [Self::Bearer, Self::LowerCase, Self::Basic, Self::Query, Self::Cookie, Self::Subprotocol];

    /// `Bearer` in any case is the scheme (RFC 9110, section 11.1); everything else is none that we accept.
    fn counts(self) -> bool {
        matches!(self, Self::Bearer | Self::LowerCase)
    }
}

fn request(app: &App, operation: &Operation, path: &str, credential: &str, how: Presented) -> Call {
    let path = match how {
        Presented::Query => format!("{path}?access_token={credential}"),
        _ => path.to_owned(),
    };
    let call = app.client.call(operation.method.clone(), path).from(app.source());
    // A body that no handler accepts: the answer is about the caller, and nothing changes.
    let call = if operation.method == Method::GET || operation.method == Method::DELETE {
        call
    } else {
        call.json(&json!({ "matrix": true }))
    };
    let call = if operation.method == Method::PATCH { call.if_match(999) } else { call };
    if credential.is_empty() {
        return call;
    }
    match how {
        Presented::Bearer => call.bearer(credential),
        Presented::LowerCase => call.header("authorization", &format!("bearer {credential}")),
        Presented::Basic => {
            use base64::Engine as _;
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("x:{credential}"));
            call.header("authorization", &format!("Basic {pair}"))
        }
        Presented::Query => call,
        Presented::Cookie => {
            call.header("cookie", &format!("access_token={credential}; dropmate_refresh={credential}"))
        }
        Presented::Subprotocol => {
            call.header("sec-websocket-protocol", &format!("dropmate.v1, {credential}"))
        }
    }
}

/// What the table says: `None` is "not refused at the door".
fn expected(
    operation: &Operation,
    role: Role,
    scopes: &[&str],
    how: Presented,
    anonymous: bool,
) -> Option<u16> {
    let row = &operation.permission;
    if operation.probe || row.roles.contains(&Role::Anonymous) {
        return (how == Presented::Basic && !anonymous && !operation.probe).then_some(401);
    }
    if anonymous || !how.counts() {
        return Some(401);
    }
    let key = matches!(role, Role::Service | Role::Device);
    let scope = !key || row.scope.is_some_and(|scope| scopes.contains(&scope));
    let org = row.tenant == Tenant::None || role != Role::Operator;
    (!(row.roles.contains(&role) && scope && org)).then_some(403)
}

fn verdict(reply: &Reply) -> (u16, String, Value) {
    let mut body = reply.json();
    for own in ["request_id", "trace_id"] {
        body.as_object_mut().map(|body| body.remove(own));
    }
    let body = if reply.status >= 400 { body } else { Value::Null };
    (reply.status, reply.code(), body)
}

/// All cells; deviations in words.
async fn walk(
    town: &Town,
    table: &dyn Fn(&Operation) -> Operation,
    ways: &[Presented],
) -> (usize, Vec<String>) {
    let app = &town.app;
    let (own, foreign, missing) =
        (Objects::of(app, &town.bakery).await, Objects::of(app, &town.florist).await, Objects::nothing());
    let mut callers: Vec<(Role, String)> = town
        .bakery
        .credentials()
        .into_iter()
        .map(|(role, credential)| (role.parse().unwrap(), credential))
        .collect();
    callers.push((Role::Operator, town.operator.token.clone()));
    callers.push((Role::Anonymous, String::new()));
    let (mut cells, mut wrong) = (0, Vec::new());
    for operation in app.document.operations().all() {
        // Pages are for everybody and take no credential; signing out ends the session of its caller, and
        // `sessions::signing_out_ends_the_tokens_at_once` has it.
        if !operation.template.starts_with("/api/") || operation.id == "sign_out" {
            continue;
        }
        let row = table(operation);
        for (role, credential) in &callers {
            let anonymous = *role == Role::Anonymous;
            let scopes: &[&str] = if *role == Role::Device {
                &["report:positions"]
            } else {
                &["organization:read", "members:read"]
            };
            for &how in ways {
                if anonymous && how != Presented::Bearer {
                    continue;
                }
                let says = expected(&row, *role, scopes, how, anonymous);
                let mut answers = Vec::new();
                // A credential that does not count is refused before anybody looks at an object.
                let objects: &[&Objects] =
                    if how == Presented::Bearer { &[&missing, &foreign, &own] } else { &[&missing] };
                for &objects in objects {
                    let path =
                        objects.path(&operation.template).unwrap_or_else(|| operation.template.to_string());
                    // What works on the own object is told by the stories; here it would change the town.
                    if std::ptr::eq(objects, &raw const own)
                        && operation.method == Method::DELETE
                        && says.is_none()
                    {
                        continue;
                    }
                    if std::ptr::eq(objects, &raw const own)
                        && operation.id == "sign_out_member"
                        && says.is_none()
                    {
                        continue;
                    }
                    let reply = request(app, operation, &path, credential, how).await;
                    cells += 1;
                    let cell = format!("{} as {role} by {how:?} at {path}: {}", operation.id, reply.status);
                    let refused = [401, 403].contains(&reply.status);
                    let passes_in_public = row.permission.is_public() || operation.probe;
                    match says {
                        Some(status) if reply.status != status => wrong.push(format!("{cell}, not {status}")),
                        None if refused && !passes_in_public => wrong.push(format!("{cell}, not let in")),
                        _ => {}
                    }
                    answers.push((reply.status, verdict(&reply)));
                }
                let names_an_object = own.path(&operation.template).is_some();
                let names_an_object = names_an_object && answers.len() > 1;
                if names_an_object && answers[0].1 != answers[1].1 {
                    wrong.push(format!(
                        "{} as {role}: foreign {:?} missing {:?}",
                        operation.id, answers[1].1, answers[0].1
                    ));
                }
                if names_an_object && answers[1].0 < 300 {
                    wrong.push(format!(
                        "{} as {role}: a foreign object answered {}",
                        operation.id, answers[1].0
                    ));
                }
            }
        }
    }
    (cells, wrong)
}

#[tokio::test]
async fn proof_access_matrix() {
    let proof = Proof::new("access matrix");
    let town = Town::new().await;
    let (cells, wrong) = walk(&town, &Clone::clone, &Presented::ALL).await;
    assert_eq!(wrong, Vec::<String>::new());
    let operations = town.app.document.operations().all().len();
    assert!(cells > 1500, "{cells}");
    proof.report(&format!("{cells} cells over {operations} operations and 9 roles, 0 deviations"));
}

/// The mutant: one row of the enforced table lets in one role more than the declared one. The walk must see it, for
/// every operation that is not public.
#[tokio::test]
async fn proof_access_matrix_sees_a_missing_check() {
    let proof = Proof::new("access matrix, one check removed");
    let mutants = ["list_api_keys", "update_member", "list_members", "create_organization"];
    let mut found = 0;
    for mutant in mutants.into_iter().take(proof.size(1, 4)) {
        let town = Town::with(Wishes { api: widened(mutant), ..Wishes::default() }).await;
        let declared = |operation: &Operation| {
            let mut row = operation.clone();
            let known = identity::PERMISSIONS.iter().find(|known| known.operation == row.id);
            if let Some(known) = known {
                row.permission = *known;
            }
            row
        };
        let (_, wrong) = walk(&town, &declared, &[Presented::Bearer]).await;
        assert!(wrong.iter().any(|line| line.starts_with(mutant)), "{mutant} was not found");
        assert!(wrong.iter().all(|line| line.starts_with(mutant)), "{wrong:#?}");
        found += 1;
    }
    proof.report(&format!("{found} of {found} removed checks found"));
}

fn widened(
    operation: &'static str,
) -> fn(platform::http::openapi::ServiceApi) -> platform::http::openapi::ServiceApi {
    fn widen(
        api: platform::http::openapi::ServiceApi,
        operation: &str,
    ) -> platform::http::openapi::ServiceApi {
        let rows = api.permissions().to_vec();
        let widened = rows.into_iter().map(|mut row| {
            if row.operation == operation {
                row.roles = platform::permissions::SIGNED_IN;
            }
            row
        });
        let widened: Vec<_> = widened.collect();
        api.with_permissions(widened)
    }
    match operation {
        "list_api_keys" => |api| widen(api, "list_api_keys"),
        "update_member" => |api| widen(api, "update_member"),
        "list_members" => |api| widen(api, "list_members"),
        _ => |api| widen(api, "create_organization"),
    }
}

/// An operation without a row does not build.
#[tokio::test]
async fn an_operation_without_a_row_is_refused() {
    let app = App::new().await;
    let short: Vec<_> = identity::PERMISSIONS.iter().skip(1).copied().collect();
    let api = app.api.clone().with_permissions(short);
    let fault = platform::http::operations::Operations::build(&[&api]).unwrap_err();
    assert!(fault.to_string().contains("operation `sign_in` has no row in the permission table"));
}
