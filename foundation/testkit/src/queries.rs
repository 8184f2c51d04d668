//! What the database says about checked queries: the files of `.sqlx`, as the query macros write them when they are compiled
//! against a database, but without compiling anything.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

/// One file. The order of the fields is that of the macros.
#[derive(Serialize)]
struct Described<'a, D> {
    db_name: &'a str,
    query: &'a str,
    describe: D,
    hash: &'a str,
}

/// The files for these queries: name and content. Every query that the database refuses is named in the error.
pub async fn describe(url: &str, queries: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut connection = PgConnection::connect(url).await?;
    let (mut files, mut refused) = (BTreeMap::new(), Vec::new());
    for query in queries {
        match connection.describe(AssertSqlSafe(query.clone()).into_sql_str()).await {
            Ok(describe) => {
                let hash = hex::encode(Sha256::digest(query.as_bytes()));
                let described =
                    Described { db_name: <Postgres as sqlx::Database>::NAME, query, describe, hash: &hash };
                let content = serde_json::to_string_pretty(&described).context("a description")?;
                files.insert(format!("query-{hash}.json"), content + "\n");
            }
            Err(error) => refused.push(format!("{error}:\n    {query}")),
        }
    }
    ensure!(refused.is_empty(), "the database refuses {} queries:\n{}", refused.len(), refused.join("\n"));
    Ok(files)
}
