//! An initial file system for Linux: a cpio archive in the format `newc`.

use std::collections::BTreeSet;

/// An archive in the making.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    files: u32,
    directories: BTreeSet<String>,
}

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const CHARACTER_DEVICE: u32 = 0o020_600;

impl Archive {
    /// Adds a file, executable, and the directories that it lies in.
    pub fn file(&mut self, path: &str, contents: &[u8]) {
        self.parents(path);
        self.entry(path, PROGRAM, (0, 0), contents);
    }

    /// Adds a character device.
    pub fn device(&mut self, path: &str, major: u32, minor: u32) {
        self.parents(path);
        self.entry(path, CHARACTER_DEVICE, (major, minor), &[]);
    }

    /// The archive, complete.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn parents(&mut self, path: &str) {
        for (slash, _) in path.match_indices('/') {
            let directory = &path[..slash];
            if self.directories.insert(directory.to_owned()) {
                self.entry(directory, DIRECTORY, (0, 0), &[]);
            }
        }
    }

    /// A header of 13 numbers in 8 hexadecimal digits each, the name and the contents, both padded to words.
    fn entry(&mut self, name: &str, mode: u32, (major, minor): (u32, u32), contents: &[u8]) {
        self.files += 1;
        let size = u32::try_from(contents.len()).expect("a file of less than 4 GB");
        let name_size = u32::try_from(name.len() + 1).expect("a short name");
        let [owner, group, time, on_major, on_minor, check] = [0; 6];
        let links = 1;
        let numbers =
            [self.files, mode, owner, group, links, time, size, on_major, on_minor, major, minor, name_size, check];
        self.bytes.extend_from_slice(b"070701");
        for number in numbers {
            self.bytes.extend_from_slice(format!("{number:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(contents);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn an_archive_is_headers_names_and_contents_in_words() {
        let mut archive = Archive::default();
        archive.device("dev/console", 5, 1);
        archive.file("init", b"hello");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("07070100000001000041ed"), "the directory comes first: {text}");
        assert_eq!(text.matches("070701").count(), 4);
        assert!(text.contains("0000000500000001"), "the device's numbers");
        let at = text.find("hello").unwrap();
        assert_eq!((at % 4, &text[at + 5..at + 8]), (0, "\0\0\0"));
    }
}
