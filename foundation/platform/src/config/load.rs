//! Reading the configuration: file, environment and command line over the defaults.
//!
//! Rule: a setting has one source. Two sources that agree are accepted; two that differ stop the start and both are
//! named, because silently preferring one is how an installation talks to the wrong database. All problems are
//! reported at once.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Config;
use super::keys::{SHORT_NAMES, Shape, known, nearest, shape};

/// The name of the file in the data folder.
pub const FILE_NAME: &str = "dropmate.toml";

const PREFIX: &str = "DROPMATE__";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A command-line flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// What the command line says about a setting.
#[derive(Debug, Clone)]
pub struct Override {
    /// `section.key`.
    pub key: &'static str,
    /// The value as it was typed.
    pub value: String,
    /// The flag, for messages.
    pub flag: &'static str,
}

/// Everything that the configuration is read from; nothing else is looked at.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The data folder: `dropmate.toml` in it is read if it is there.
    pub data_dir: Option<PathBuf>,
    /// `--config`: this file instead, and it must be there.
    pub file: Option<PathBuf>,
    /// The environment, as pairs.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub overrides: Vec<Override>,
}

/// A configuration and where each value came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The source of every setting that is not at its default, by `section.key`.
    pub sources: BTreeMap<String, Source>,
}

/// All problems that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence each.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads, merges and checks.
    pub fn load(options: LoadOptions) -> Result<Loaded, ConfigError> {
        let mut gathered = Gathered { known: known(), values: BTreeMap::new(), problems: Vec::new() };
        gathered.read_file(&options);
        gathered.read_environment(&options.environment);
        for item in options.overrides {
            gathered.add_text(item.key, &item.value, Source::Flag(item.flag.to_owned()));
        }
        gathered.finish()
    }
}

struct Gathered {
    known: BTreeMap<String, Shape>,
    values: BTreeMap<String, (Value, Source)>,
    problems: Vec<String>,
}

impl Gathered {
    fn read_file(&mut self, options: &LoadOptions) {
        let implied = options.data_dir.as_ref().map(|folder| folder.join(FILE_NAME));
        let Some(path) = options.file.clone().or(implied) else {
            return;
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && options.file.is_none() => return,
            Err(error) => {
                return self.problems.push(format!("{} cannot be read: {error}", path.display()));
            }
        };
        let table: toml::Table = match toml::from_str(&text) {
            Ok(table) => table,
            // The message of the library shows the line, which may hold a secret: only its place is told.
            Err(error) => return self.problems.push(unreadable(&path, &text, &error)),
        };
        for (section, content) in table {
            let Some(content) = content.as_table() else {
                self.unknown(&section, &Source::File(path.clone()));
                continue;
            };
            for (key, value) in content {
                let value = serde_json::to_value(value).unwrap_or_default();
                self.add(&format!("{section}.{key}"), value, Source::File(path.clone()));
            }
        }
    }

    fn read_environment(&mut self, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            let source = || Source::Environment(name.clone());
            if let Some(key) = short(name) {
                self.add_text(key, value, source());
            } else if let Some(key) = name.strip_suffix("_FILE").and_then(short) {
                self.add_from_file(key, value, source());
            } else if let Some(rest) = name.strip_prefix(PREFIX) {
                let key = rest.to_lowercase().replacen("__", ".", 1);
                match key.strip_suffix("_file").filter(|_| !self.known.contains_key(&key)) {
                    Some(plain) => self.add_from_file(plain, value, source()),
                    None => self.add_text(&key, value, source()),
                }
            }
        }
    }

    /// Secrets that an orchestrator mounts as files.
    fn add_from_file(&mut self, key: &str, path: &str, source: Source) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_text(key, text.trim_end_matches(['\r', '\n']), source),
            Err(error) => self.problems.push(format!("{source} names {path}, which cannot be read: {error}")),
        }
    }

    fn add_text(&mut self, key: &str, text: &str, source: Source) {
        // Compose files and shells pass "not set" as empty text.
        if text.is_empty() {
            return;
        }
        match shape(&self.known, key) {
            None => self.unknown(key, &source),
            Some(shape) => match shape.parse(text) {
                Ok(value) => self.add(key, value, source),
                Err(expected) => self.problems.push(format!("{key} ({source}) {expected}")),
            },
        }
    }

    fn add(&mut self, key: &str, value: Value, source: Source) {
        if shape(&self.known, key).is_none() {
            return self.unknown(key, &source);
        }
        match self.values.get(key) {
            Some((other, first)) if *other != value => self.problems.push(format!(
                "{key} is set twice with different values: by {first} and by {source}. Remove one of them"
            )),
            Some(_) => {}
            None => {
                self.values.insert(key.to_owned(), (value, source));
            }
        }
    }

    fn unknown(&mut self, key: &str, source: &Source) {
        let hint = nearest(key, self.known.keys()).map(|name| format!("; did you mean {name}?"));
        self.problems.push(format!("{key} ({source}) is not a setting{}", hint.unwrap_or_default()));
    }

    fn finish(mut self) -> Result<Loaded, ConfigError> {
        let mut tree = Map::new();
        for (key, (value, source)) in &self.values {
            let Some((section, name)) = key.split_once('.') else {
                continue;
            };
            let alone = serde_json::json!({ section: { name: value } });
            if serde_json::from_value::<Config>(alone).is_err() {
                // The library's message would repeat the value, which may be secret.
                self.problems
                    .push(format!("{key} ({source}) is not of the right kind; see `dropmate config schema`"));
                continue;
            }
            let section = tree.entry(section).or_insert_with(|| Value::Object(Map::new()));
            section[name] = value.clone();
        }
        let config: Config = match serde_json::from_value(Value::Object(tree)) {
            Ok(config) => config,
            Err(error) => {
                self.problems.push(error.to_string());
                Config::default()
            }
        };
        self.problems.extend(config.validate());
        if !self.problems.is_empty() {
            return Err(ConfigError { problems: self.problems });
        }
        let sources = self.values.into_iter().map(|(key, (_, source))| (key, source)).collect();
        Ok(Loaded { config, sources })
    }
}

fn short(name: &str) -> Option<&'static str> {
    SHORT_NAMES.iter().find(|(short, _)| *short == name).map(|(_, key)| *key)
}

fn unreadable(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("{} line {line}: {}", path.display(), error.message())
}

impl Loaded {
    /// Where the value of `section.key` came from.
    pub fn source(&self, key: &str) -> &Source {
        self.sources.get(key).unwrap_or(&Source::Default)
    }

    /// Every setting with its value (secrets masked) and source, one per line.
    pub fn show(&self) -> String {
        let mut text = String::new();
        let tree = serde_json::to_value(&self.config).unwrap_or_default();
        for (section, content) in tree.as_object().into_iter().flatten() {
            for (key, value) in content.as_object().into_iter().flatten() {
                let name = format!("{section}.{key}");
                let shown = if value.is_null() { "(not set)".to_owned() } else { value.to_string() };
                let source = self.source(&name);
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{name} = {shown}  # {source}");
            }
        }
        text
    }
}
