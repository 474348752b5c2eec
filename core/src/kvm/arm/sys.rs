//! Linux underneath: memory that is mapped, withheld, protected; signals. All of the crate's unsafe code is here, each
//! piece behind a function that is safe to call.

#![allow(unsafe_code)]

use kvm_bindings::{kvm_run, kvm_userspace_memory_region};
use kvm_ioctls::VmFd;
use std::cell::Cell;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::string::String;
use std::sync::Arc;
use std::time::Duration;

/// The size of the host's pages.
pub fn page_size() -> u64 {
    // SAFETY: sysconf reads a number and touches no memory of ours.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(0x1000)
}

/// The kernel's version.
pub fn kernel() -> String {
    // SAFETY: utsname is a plain structure of characters, for which zeros are a value.
    let mut name: libc::utsname = unsafe { core::mem::zeroed() };
    // SAFETY: the pointer is to a structure of the type that uname fills in.
    unsafe { libc::uname(&raw mut name) };
    let release = name.release.iter().take_while(|&&byte| byte != 0);
    release.map(|byte| char::from(byte.to_ne_bytes()[0])).collect()
}

/// Anonymous memory of whole pages, which a VM may share. It is accessed a doubleword at a time, as volatile: its
/// other users are a VM's processors.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: the mapping belongs to the process and not to a thread, and every access is a volatile one of an aligned
// word.
unsafe impl Send for Mapping {}
// SAFETY: as above; no reference into the memory is ever made, so there is none that a write could invalidate.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Memory that reads 0.
    pub fn new(size: u64) -> io::Result<Self> {
        let size = usize::try_from(size).map_err(io::Error::other)?;
        // SAFETY: a new private mapping at an address of the kernel's choice overlaps nothing.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(place) if start != libc::MAP_FAILED => Ok(Self { start: place, size }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Memory that reads 0, of which a few words will be used: large pages would be wasted on it.
    pub fn sparse(size: u64) -> io::Result<Self> {
        let mapping = Self::new(size)?;
        // SAFETY: the range is the mapping's, and the advice changes nothing of what it holds. A kernel without large
        // pages objects, which is just as well.
        unsafe { libc::madvise(mapping.start.as_ptr().cast(), mapping.size, libc::MADV_NOHUGEPAGE) };
        Ok(mapping)
    }

    pub const fn size(&self) -> u64 {
        self.size as u64
    }

    fn word(&self, offset: u64) -> Option<*mut u64> {
        let offset = usize::try_from(offset).ok().filter(|offset| offset % 8 == 0 && offset + 8 <= self.size)?;
        // SAFETY: the word lies within the mapping.
        Some(unsafe { self.start.as_ptr().add(offset) }.cast())
    }

    /// The doubleword at `offset`, a multiple of 8; 0 beyond the end.
    pub fn read(&self, offset: u64) -> u64 {
        // SAFETY: `word` gives aligned pointers into the mapping, which is readable and lives as long as `self`.
        self.word(offset).map_or(0, |word| u64::from_le(unsafe { word.read_volatile() }))
    }

    /// Stores a doubleword, through to memory, where walks that are not cacheable read it.
    pub fn write(&self, offset: u64, value: u64) {
        let Some(word) = self.word(offset) else { return };
        // SAFETY: `word` gives aligned pointers into the mapping, which is writable and lives as long as `self`;
        // cleaning a line of it changes no contents.
        unsafe {
            word.write_volatile(value.to_le());
            core::arch::asm!("dc civac, {0}", "dsb sy", in(reg) word, options(nostack, preserves_flags));
        }
    }

    /// Lets the process, and with it the VM, access the memory, or not.
    pub fn allow(&self, allowed: bool) -> io::Result<()> {
        let protection = if allowed { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
        // SAFETY: the range is this mapping's own. While it is not allowed an access of `read` or `write` ends the
        // process, which is no undefined behaviour.
        let done = unsafe { libc::mprotect(self.start.as_ptr().cast(), self.size, protection) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping's own, and nothing refers to it any more: a VM keeps its mappings alive.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

/// Makes `mapping` the memory of a VM at `guest`. The VM's owner keeps the mapping as long as the VM.
pub fn set_slot(vm: &VmFd, slot: u32, guest: u64, mapping: &Arc<Mapping>) -> Result<(), kvm_ioctls::Error> {
    let region = kvm_userspace_memory_region {
        slot,
        flags: 0,
        guest_phys_addr: guest,
        memory_size: mapping.size(),
        userspace_addr: mapping.start.as_ptr() as u64,
    };
    // SAFETY: the range is that of a mapping which lives as long as the VM does; what the guest writes there is only
    // ever read as volatile words.
    unsafe { vm.set_user_memory_region(region) }
}

/// Takes a slot away.
pub fn clear_slot(vm: &VmFd, slot: u32) -> Result<(), kvm_ioctls::Error> {
    let region = kvm_userspace_memory_region { slot, ..Default::default() };
    // SAFETY: a size of 0 removes the slot: no memory is given to the VM.
    unsafe { vm.set_user_memory_region(region) }
}

#[repr(C)]
struct UffdApi {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
struct UffdRegister {
    start: u64,
    length: u64,
    mode: u64,
    ioctls: u64,
}

#[repr(C)]
struct UffdCopy {
    to: u64,
    from: u64,
    length: u64,
    mode: u64,
    copied: i64,
}

const UFFDIO_API: u32 = 0xc018_aa3f;
const UFFDIO_REGISTER: u32 = 0xc020_aa00;
const UFFDIO_COPY: u32 = 0xc028_aa03;
const UFFD_EVENT_PAGEFAULT: u8 = 0x12;
const UFFD_MESSAGE: usize = 32;

/// Memory whose pages are missing until they are supplied: whoever touches one waits.
#[derive(Debug)]
pub struct Withheld {
    fd: OwnedFd,
    mapping: Arc<Mapping>,
}

impl Withheld {
    /// Whether the host lets this process withhold pages from its own VMs.
    pub fn open() -> io::Result<OwnedFd> {
        // SAFETY: the call takes flags and gives a new descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK) };
        let fd = i32::try_from(fd).unwrap_or(-1);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut api = UffdApi { api: 0xaa, features: 0, ioctls: 0 };
        // SAFETY: the structure is the one that this request reads and writes.
        let done = unsafe { libc::ioctl(fd.as_raw_fd(), UFFDIO_API as _, &raw mut api) };
        if done == 0 { Ok(fd) } else { Err(io::Error::last_os_error()) }
    }

    /// Withholds a mapping that nobody has touched yet.
    pub fn new(mapping: &Arc<Mapping>) -> io::Result<Self> {
        let fd = Self::open()?;
        let (start, length) = (mapping.start.as_ptr() as u64, mapping.size());
        let mut register = UffdRegister { start, length, mode: 1, ioctls: 0 };
        // SAFETY: the structure is the one that this request reads and writes; the range is the mapping's.
        let done = unsafe { libc::ioctl(fd.as_raw_fd(), UFFDIO_REGISTER as _, &raw mut register) };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { fd, mapping: mapping.clone() })
    }

    /// Waits until somebody waits for a page, and gives the page's offset; `None` when the time is up first.
    pub fn wanted(&self, patience: Duration) -> io::Result<Option<u64>> {
        let mut poll = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let milliseconds = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the pointer is to one structure, as the count says.
        match unsafe { libc::poll(&raw mut poll, 1, milliseconds) } {
            0 => return Ok(None),
            1 => {}
            _ => return Err(io::Error::last_os_error()),
        }
        let mut message = [0_u8; UFFD_MESSAGE];
        // SAFETY: the buffer has the length that is given.
        let read = unsafe { libc::read(self.fd.as_raw_fd(), message.as_mut_ptr().cast(), message.len()) };
        if read != UFFD_MESSAGE as isize || message[0] != UFFD_EVENT_PAGEFAULT {
            return Err(io::Error::last_os_error());
        }
        let address = message[16..24].iter().rev().fold(0, |address, &byte| address << 8 | u64::from(byte));
        Ok(Some(address.wrapping_sub(self.mapping.start.as_ptr() as u64)))
    }

    /// Supplies the page at `offset` with the words of `page`, and wakes who waits for it.
    pub fn supply(&self, offset: u64, page: &[u64]) -> io::Result<()> {
        let size = page_size();
        let mut words = page.to_vec();
        words.resize(size as usize / 8, 0);
        let to = self.mapping.start.as_ptr() as u64 + offset / size * size;
        let mut copy = UffdCopy { to, from: words.as_ptr() as u64, length: size, mode: 0, copied: 0 };
        // SAFETY: the source is a page's worth of words of our own. The kernel itself checks that the target lies
        // within a registered mapping, and puts there a page where there was none.
        let done = unsafe { libc::ioctl(self.fd.as_raw_fd(), UFFDIO_COPY as _, &raw mut copy) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

std::thread_local! {
    /// The shared page of the vCPU that this thread runs.
    static RUNNING: Cell<*mut kvm_run> = const { Cell::new(ptr::null_mut()) };
}

extern "C" fn leave(_: libc::c_int) {
    // A signal between the last question and KVM_RUN would be lost, were KVM_RUN not told to leave at once.
    let run = RUNNING.with(Cell::get);
    if !run.is_null() {
        // SAFETY: the pointer is to the page of the vCPU that this very thread runs, while it runs it: see `Running`.
        unsafe { (&raw mut (*run).immediate_exit).write_volatile(1) };
    }
}

/// While it lives, a signal to this thread makes KVM_RUN return.
#[derive(Debug)]
pub struct Running;

impl Running {
    /// This thread is about to run the vCPU that has this page. The vCPU is the thread's own until the value is
    /// dropped.
    pub fn begin(run: &mut kvm_run) -> Self {
        run.immediate_exit = 0;
        RUNNING.with(|running| running.set(run));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.with(|running| running.set(ptr::null_mut()));
    }
}

/// A thread to which the signal can be sent.
#[derive(Clone, Copy, Debug)]
pub struct Thread(libc::c_long);

impl Thread {
    /// This one.
    pub fn current() -> Self {
        // SAFETY: the call takes nothing and gives a number.
        Self(unsafe { libc::syscall(libc::SYS_gettid) })
    }

    /// Makes the thread's vCPU leave the guest; does nothing to a thread that has ended.
    pub fn kick(self) {
        // SAFETY: the signal goes to a thread of this process only, and has a handler: every VM begins with
        // `handle_signals`.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::c_long::from(libc::getpid()), self.0, libc::SIGUSR1) };
    }
}

/// Installs the handlers of the signals that make KVM_RUN return.
pub fn handle_signals() {
    // SAFETY: the handler does no more than what is allowed in one: it reads a thread-local that needs no
    // initialisation and writes a byte. A zeroed sigaction is one with no flags and an empty mask.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = leave as *const () as usize;
        libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut());
        libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut());
    }
}

/// Makes KVM_RUN return after so many seconds, in case the guest does not end.
pub fn alarm(seconds: u32) {
    // SAFETY: the signal has a handler.
    unsafe { libc::alarm(seconds) };
}
