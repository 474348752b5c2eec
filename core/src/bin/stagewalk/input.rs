//! Files as they come: plain or gzipped, or standard input as `-`.

use crate::failure::Failure;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Opens a file, or standard input for `-`; what is gzipped is unpacked.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let failed = |error: io::Error| Failure::bad_input(name(path), error);
    let raw: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(failed)?) };
    let mut reader = BufReader::with_capacity(1 << 16, raw);
    if reader.fill_buf().map_err(failed)?.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader))));
    }
    Ok(Box::new(reader))
}

/// The whole contents of a file, unpacked.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut contents = Vec::new();
    open(path)?.read_to_end(&mut contents).map_err(|error| Failure::bad_input(name(path), error))?;
    Ok(contents)
}

/// What to call a file in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

/// Calls `each` with every line that is not blank and its number, counting from 1, until it fails.
pub fn for_each_line(
    reader: &mut dyn BufRead,
    place: &str,
    mut each: impl FnMut(usize, &[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::bad_input(format_args!("{place}, line {number}"), error))?;
        if read == 0 {
            break;
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            each(number, text)?;
        }
    }
    Ok(())
}
