//! Schemas that utoipa cannot derive.

use kernel::ids::Id;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// The form of a TypeID with this prefix: 128 bits in 26 characters, so the first is at most `7`.
pub fn type_id_pattern(prefix: &str) -> String {
    format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")
}

/// The schema of an identifier: `#[schema(schema_with = type_id::<OrgId>)]`.
pub fn type_id<I: Id>() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(type_id_pattern(I::PREFIX)))
        .examples([serde_json::json!(format!("{}_01h455vb4pex5vsknk084sn02q", I::PREFIX))])
        .build()
}

/// The schema of an identifier in a request that may be absent, where `null` means the same (docs/api-design.md).
pub fn optional_type_id<I: Id>() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .pattern(Some(type_id_pattern(I::PREFIX)))
        .examples([serde_json::json!(format!("{}_01h455vb4pex5vsknk084sn02q", I::PREFIX))])
        .build()
}
