//! The first process of the test bed's machine: it runs the commands of `/plan`, one a line, tells on the console how
//! each ended, and ends itself, at which the kernel stops the machine.

use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::Instant;

fn main() {
    // Early, so that the host can tell how long the machine took to come up.
    println!("\n@@ up");
    if let Err(error) = loopback() {
        println!("no loopback: {error}");
    }
    let plan = fs::read_to_string("/plan").unwrap_or_else(|error| {
        println!("/plan: {error}");
        String::new()
    });
    for line in plan.lines() {
        println!("@@ run {line}");
        let start = Instant::now();
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        let status = Command::new(program).args(words).status();
        let milliseconds = start.elapsed().as_millis();
        match status.map(|status| (status.code(), status)) {
            Ok((Some(code), _)) => println!("@@ exit {code} {milliseconds}"),
            Ok((None, status)) => println!("{status}\n@@ exit 255 {milliseconds}"),
            Err(error) => println!("{program}: {error}\n@@ exit 255 {milliseconds}"),
        }
    }
    println!("@@ done");
}

/// Linux's `struct ifreq`, of which an interface's flags are set.
#[repr(C)]
struct Interface {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// Takes the loopback interface up, which gives it 127.0.0.1.
#[allow(unsafe_code)]
fn loopback() -> io::Result<()> {
    const SET_FLAGS: u64 = 0x8914;
    const UP: i16 = 1;
    unsafe extern "C" {
        fn ioctl(descriptor: i32, request: u64, ...) -> i32;
    }
    let mut interface = Interface { name: [0; 16], flags: UP, rest: [0; 22] };
    interface.name[..2].copy_from_slice(b"lo");
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    // SAFETY: the descriptor is open, and this request reads a structure of this layout and size, which outlives it.
    let done = unsafe { ioctl(socket.as_raw_fd(), SET_FLAGS, &raw const interface) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
