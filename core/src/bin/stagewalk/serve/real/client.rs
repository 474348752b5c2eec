//! A client for the own server: one request a connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// An answer off the wire.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The lines before the body.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests look for what must and must not be in it"))]
    pub head: String,
    /// The body.
    pub body: String,
}

#[cfg(test)]
impl Reply {
    /// Whether a header's line is there; upper and lower case are alike.
    pub fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.eq_ignore_ascii_case(header))
    }
}

/// Sends a request. In HTTP/1.0 its answer ends with the connection, and comes in one piece.
pub fn send(port: u16, line: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut head = format!("{line} HTTP/1.0\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    write!(stream, "{head}Content-Length: {}\r\n\r\n", body.len())?;
    // a server that has refused may have hung up before it has heard all
    let _ = stream.write_all(body);
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || io::Error::new(io::ErrorKind::InvalidData, format!("no answer of HTTP: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    Ok(Reply { status, head: head.into(), body: body.into() })
}
