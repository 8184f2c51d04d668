//! Pictures: of the caller, and of the caller's organisation.

use testkit::http::Call;

use super::{Story, on, somebody};
use crate::app::Town;
use crate::pictures::jpeg;

fn put(town: &Town, path: &str, token: &str, picture: Vec<u8>) -> Call {
    town.app.client.put(path).bearer(token).header("content-type", "image/jpeg").body(picture)
}

pub(super) async fn photo<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    const PATH: &str = "/api/v1/users/me/photo";
    let app = &town.app;
    let who = somebody(town, "driver", operation).await;
    let send = |picture| put(town, PATH, &who.token, picture);
    if operation == "put_my_photo" {
        return Story::of(app, send(jpeg(20)), 200, vec![on("put_my_photo", "user", &who.user)])
            .refuses(send(b"no picture".to_vec()), 422, "unknown_image")
            .refuses(send(jpeg(20)).header("content-type", "text/html"), 415, "unsupported_media_type");
    }
    send(jpeg(20)).await.is(200);
    let take_back = || app.delete(PATH).bearer(&who.token);
    Story::of(app, take_back(), 200, vec![on("delete_my_photo", "user", &who.user)]).then(
        take_back(),
        404,
        "not_found",
    )
}

pub(super) async fn logo<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let (app, owner) = (&town.app, &town.bakery.owner.token);
    let path = |id: &str| format!("/api/v1/organizations/{id}/logo");
    let send = |id: &str| put(town, &path(id), owner, jpeg(20));
    if operation == "put_organization_logo" {
        let entries = vec![on("put_organization_logo", "organization", town.bakery.id())];
        return Story::of(app, send(town.bakery.id()), 200, entries).refuses(
            send(town.florist.id()),
            404,
            "not_found",
        );
    }
    let take_back = |id: &str| app.delete(path(id)).bearer(owner);
    let entries = vec![on("delete_organization_logo", "organization", town.bakery.id())];
    send(town.bakery.id()).await.is(200);
    Story::of(app, take_back(town.bakery.id()), 200, entries)
        .refuses(take_back(town.florist.id()), 404, "not_found")
        .then(take_back(town.bakery.id()), 404, "not_found")
}
