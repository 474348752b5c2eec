//! The site: a directory, or what was built into this program.

use crate::failure::Failure;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

// `SITE`: the files by their names, none where the program was built without a site.
include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// Where the site is when nothing else is said.
const DIST: &str = "target/dist";
/// What tells of which version a site is.
#[cfg(feature = "kvm")]
const VERSION: &str = "version.json";

/// What is served.
#[derive(Debug)]
pub enum Site {
    /// A directory.
    Dir(PathBuf),
    /// Files in this program.
    BuiltIn(&'static [(&'static str, &'static [u8])]),
}

impl Site {
    /// The directory named, or the site built in, or where `cargo xtask dist` puts it.
    pub fn find(dir: Option<&Path>) -> Result<Self, Failure> {
        let dir = match dir {
            None if !SITE.is_empty() => return Ok(Self::BuiltIn(SITE)),
            None => Path::new(DIST),
            Some(dir) => dir,
        };
        if dir.join("index.html").is_file() {
            return Ok(Self::Dir(dir.into()));
        }
        let missing = Failure::bad_input(dir.display(), "no index.html in it; expected the built playground");
        Err(missing.with_hint("Build it with `cargo xtask dist`, or name another directory with --dir."))
    }

    /// Makes sure that the site is of this program's version: the two have a form of answers in common.
    #[cfg(feature = "kvm")]
    pub fn check_version(&self) -> Result<(), Failure> {
        #[derive(serde::Deserialize)]
        struct Version {
            version: String,
        }
        let own = env!("CARGO_PKG_VERSION");
        let place = match self {
            Self::Dir(dir) => dir.display().to_string(),
            Self::BuiltIn(_) => "the site in this program".into(),
        };
        let read = self.read(VERSION).map(|(text, _)| serde_json::from_slice::<Version>(&text));
        let found = match read {
            Ok(Ok(found)) if found.version == own => return Ok(()),
            Ok(Ok(found)) => format!("it is of version {}", found.version),
            Ok(Err(error)) => format!("{VERSION}: {error}"),
            Err(_) => format!("it has no {VERSION}"),
        };
        Err(Failure::bad_input(place, format_args!("{found}; --kvm wants a site of version {own}, this program's"))
            .with_hint("Build it again with `cargo xtask dist`."))
    }

    /// The file that a URL means, and its type; none outside the site.
    pub fn read(&self, url: &str) -> io::Result<(Vec<u8>, &'static str)> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        match self {
            Self::Dir(root) => {
                let path = resolve(root, url).ok_or_else(missing)?;
                Ok((fs::read(&path)?, mime_type(&path)))
            }
            Self::BuiltIn(files) => {
                let path = relative(url).ok_or_else(missing)?;
                let name = if path.as_os_str().is_empty() { PathBuf::from("index.html") } else { path };
                let found = files.iter().find(|(file, _)| Path::new(file) == name).ok_or_else(missing)?;
                Ok((found.1.to_vec(), mime_type(&name)))
            }
        }
    }
}

/// The path below the root that a URL means; none that leads elsewhere.
fn relative(url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let relative = PathBuf::from(unescape(path)?.trim_start_matches('/'));
    relative.components().all(|part| matches!(part, Component::Normal(_))).then_some(relative)
}

/// The file that a URL means; none outside `root`.
fn resolve(root: &Path, url: &str) -> Option<PathBuf> {
    let mut file = root.join(relative(url)?);
    if file.is_dir() {
        file.push("index.html");
    }
    let inside = fs::canonicalize(&file).ok()?.starts_with(fs::canonicalize(root).ok()?);
    (inside && file.is_file()).then_some(file)
}

/// A URL path without its %-escapes; none where they are malformed or not UTF-8.
fn unescape(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn mime_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        Some("gz") => "application/gzip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_directory_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(resolve(&root, "/lib.rs?x=1#y"), Some(root.join("lib.rs")));
        assert_eq!(resolve(&root, "/%6cib.rs"), Some(root.join("lib.rs")));
        for outside in
            ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/..%2fCargo.toml", "//etc/passwd", "/%", "/%ff", "/no-such"]
        {
            assert_eq!(resolve(&root, outside), None, "{outside}");
        }
        assert_eq!(resolve(&root, "/"), None, "a directory without index.html");
    }

    #[test]
    fn files_built_in_are_found_by_their_names() {
        let site = Site::BuiltIn(&[("index.html", b"here"), ("pkg/a.wasm", b"wasm")]);
        for (url, expected) in [("/", "here"), ("/?x#y", "here"), ("/index.html", "here"), ("/pkg/a.wasm", "wasm")] {
            assert_eq!(site.read(url).expect(url).0, expected.as_bytes());
        }
        assert_eq!(site.read("/pkg/a.wasm").expect("a module").1, "application/wasm");
        for url in ["/pkg", "/pkg/", "/../index.html", "//x", "/no-such"] {
            assert!(site.read(url).is_err(), "{url}");
        }
    }

    #[cfg(feature = "kvm")]
    #[test]
    fn a_site_of_another_version_is_no_site_for_a_machine() {
        let site = |text: &'static str| Site::BuiltIn(Box::leak(Box::new([("version.json", text.as_bytes())])));
        let own = concat!("{\"version\": \"", env!("CARGO_PKG_VERSION"), "\"}");
        assert!(site(own).check_version().is_ok());
        for other in ["{\"version\": \"0.0.0\"}", "{}", "<html>"] {
            assert!(site(other).check_version().is_err(), "{other}");
        }
        assert!(Site::BuiltIn(&[]).check_version().is_err());
    }

    #[test]
    fn wasm_has_the_type_that_browsers_insist_on() {
        assert_eq!(mime_type(Path::new("pkg/web_bg.wasm")), "application/wasm");
    }
}
