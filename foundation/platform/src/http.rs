//! Placeholder.
/// Problem documents.
pub mod problem {
    /// The document.
    pub fn document(error: &crate::Error, _context: Option<&()>) -> serde_json::Value {
        serde_json::json!({ "code": error.code() })
    }
}
