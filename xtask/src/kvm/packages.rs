//! QEMU, an arm64 kernel and its C library out of Debian packages, which are unpacked and not installed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::Project;
use crate::sh::{Cmd, Version};

/// A line for each package: its SHA-256 and its path in the archive.
const PACKAGES: &str = include_str!("packages.txt");
const ARCHIVE: &str = "http://deb.debian.org/debian";
/// Names another archive, for instance a snapshot.
const MIRROR: &str = "STAGEWALK_DEBIAN_MIRROR";
/// Apt's own downloads, with apt's configuration of proxies, and with a checksum.
const HELPER: &str = "/usr/lib/apt/apt-helper";
/// An archive that does not answer is one that cannot be reached.
const OPTIONS: &str = "-q -o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=30";

/// Where arm64's libraries are.
const ARM64: &str = "usr/lib/aarch64-linux-gnu";

/// What the test bed is made of.
pub struct Bed {
    /// The directory of the unpacked packages.
    root: PathBuf,
}

struct Package<'a> {
    sha256: &'a str,
    path: &'a str,
}

impl Package<'_> {
    fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

fn packages() -> impl Iterator<Item = Package<'static>> {
    let lines = PACKAGES.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(sha256, path)| Package { sha256, path: path.trim() })
}

impl Bed {
    /// The packages, fetched and unpacked if need be.
    pub fn find(project: &Project) -> Result<Self, String> {
        let root = project.target.join("kvm/root");
        let stamp = project.target.join("kvm/root.stamp");
        let bed = Self { root: root.clone() };
        if fs::read_to_string(&stamp).is_ok_and(|text| text == PACKAGES) {
            return Ok(bed);
        }
        let cache = project.target.join("kvm/packages");
        fs::create_dir_all(&cache).map_err(|e| format!("cannot make {}: {e}", cache.display()))?;
        fetch(project, &cache)?;
        if root.exists() {
            fs::remove_dir_all(&root).map_err(|e| format!("cannot remove {}: {e}", root.display()))?;
        }
        for package in packages() {
            let unpack = Cmd::new("dpkg-deb", &cache).arg("-x").arg(package.file_name()).arg(&root);
            unpack.hint("Debian packages are unpacked with Debian's or Ubuntu's dpkg-deb").output()?;
        }
        // What an installed system has besides, and the linker looks for.
        for (to, link) in [("usr/lib", "lib".into()), ("libgcc_s.so.1", format!("{ARM64}/libgcc_s.so"))] {
            Cmd::new("ln", &root).args(["-s", to, &link]).output()?;
        }
        bed.qemu(&cache).arg("--version").output().map_err(|error| format!("QEMU does not run here: {error}"))?;
        fs::write(&stamp, PACKAGES).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
        Ok(bed)
    }

    /// QEMU, started by the dynamic loader that it comes with.
    pub fn qemu(&self, dir: &Path) -> Cmd {
        let libraries = self.root.join("usr/lib/x86_64-linux-gnu");
        Cmd::new(libraries.join("ld-linux-x86-64.so.2"), dir)
            .arg("--library-path")
            .arg(&libraries)
            .arg(self.root.join("usr/bin/qemu-system-aarch64"))
    }

    /// What rustc has to be told to link programs for arm64 with this C library, where no C compiler knows it
    /// by itself.
    pub fn rustflags(&self) -> Vec<String> {
        let libraries = self.root.join(ARM64);
        let argument = |argument: String| format!("-Clink-arg={argument}");
        let start =
            ["Scrt1.o", "crti.o", "crtn.o"].map(|object| argument(libraries.join(object).display().to_string()));
        let flags = [
            "-Clinker=rust-lld".into(),
            format!("-L{}", libraries.display()),
            argument(format!("--sysroot={}", self.root.display())),
            argument("--dynamic-linker=/lib/ld-linux-aarch64.so.1".into()),
        ];
        flags.into_iter().chain(start).collect()
    }

    /// What such programs load: where each file belongs, and where it is.
    pub fn libraries(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let names = ["ld-linux-aarch64.so.1", "libc.so.6", "libgcc_s.so.1"];
        names.into_iter().map(|name| (format!("lib/{name}"), self.root.join(ARM64).join(name)))
    }

    /// The version of QEMU.
    pub fn qemu_version(&self) -> Result<String, String> {
        let said = self.qemu(&self.root).arg("--version").output()?;
        let Version(major, minor, patch) = Version::in_text(&said).ok_or("QEMU does not tell its version")?;
        Ok(format!("{major}.{minor}.{patch}"))
    }

    /// The kernel's image, and its version.
    pub fn kernel(&self) -> Result<(PathBuf, String), String> {
        let modules = self.root.join("usr/lib/modules");
        let versions = fs::read_dir(&modules).map_err(|e| format!("no kernel in {}: {e}", modules.display()))?;
        let images = versions.flatten().flat_map(|version| {
            let name = version.file_name().to_string_lossy().into_owned();
            ["vmlinuz", "vmlinuz.unsigned"].map(|image| (version.path().join(image), name.clone()))
        });
        let mut images = images.filter(|(image, _)| image.is_file());
        images.next().ok_or_else(|| format!("no kernel's image in {}", modules.display()))
    }
}

/// Fetches what is missing or damaged.
fn fetch(project: &Project, cache: &Path) -> Result<(), String> {
    let wanted: Vec<Package> = packages().filter(|package| !is_whole(cache, package)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let archive = archive(project);
    eprintln!("fetching {} Debian packages from {archive} into {}", wanted.len(), cache.display());
    if !Path::new(HELPER).exists() {
        return Err(format!("{HELPER} not found: the packages of QEMU and the kernel are fetched with Debian's apt"));
    }
    let mut helper = Cmd::new(HELPER, cache).words(OPTIONS).arg("download-file");
    for package in &wanted {
        helper = helper.arg(format!("{archive}/{}", package.path)).arg(package.file_name());
        helper = helper.arg(format!("SHA256:{}", package.sha256));
    }
    helper.output().map(drop).map_err(|error| {
        // the command line is as long as the list; what it said last is what counts
        let said: Vec<&str> = error.lines().rev().take(6).collect();
        format!(
            "cannot fetch the packages that the test bed is made of:\n{}\n  hint: is {archive} reachable? If it has \
             newer packages only, {MIRROR} may name an archive that has these: see xtask/src/kvm/packages.txt",
            said.into_iter().rev().collect::<Vec<_>>().join("\n")
        )
    })
}

/// Whether the cache has the very package.
fn is_whole(cache: &Path, package: &Package) -> bool {
    let file = cache.join(package.file_name());
    let sum = || Cmd::new("sha256sum", cache).arg(package.file_name()).output();
    file.is_file() && sum().is_ok_and(|said| said.starts_with(package.sha256))
}

/// The archive that the machine's apt is configured with, if it is Debian's.
fn archive(project: &Project) -> String {
    if let Some(mirror) = std::env::var(MIRROR).ok().filter(|mirror| !mirror.is_empty()) {
        return mirror.trim_end_matches('/').to_owned();
    }
    let listed = Cmd::new("apt-get", &project.root).args(["indextargets", "--format", "$(ORIGIN) $(REPO_URI)"]);
    let listed = listed.output().unwrap_or_default();
    let mut archives = listed.lines().filter_map(|line| line.strip_prefix("Debian "));
    let main = archives.find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    main.unwrap_or(ARCHIVE).trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn every_package_is_pinned() {
        for package in packages() {
            assert_eq!(package.sha256.len(), 64, "{}", package.path);
            assert!(package.path.starts_with("pool/main/") && package.path.ends_with("64.deb"), "{}", package.path);
        }
        assert!(packages().any(|package| package.file_name().starts_with("qemu-system-arm_")));
        assert!(packages().any(|package| package.file_name().contains("_arm64.deb")));
    }
}
