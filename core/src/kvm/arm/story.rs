//! The stories in which a page is missing, tables change under a walk, or everybody pauses.

use super::scene::{CREW, LAST, Log, Scene, VA, par, plain, start};
use super::sys::{self, Mapping, Thread, Withheld};
use super::vm::{Core, Exit, Vcpu, failed};
use crate::kvm::fit::DATA;
use crate::kvm::{Level, Problem, TALES, Told, guest};
use crate::layout::sysreg::SysReg;
use std::format;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the page is kept back, to see that the vCPU waits.
const KEPT: Duration = Duration::from_millis(20);
/// PAR_EL1 where Linux walks and cannot read the level 3 descriptor.
const UNREADABLE: u64 = 0x82f;

impl Scene {
    /// Tells a story.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn tell(&mut self, name: &str) -> Result<Told, Problem> {
        let tale = TALES.into_iter().find(|tale| tale.name == name);
        let name = tale.ok_or_else(|| Problem::Unfit(format!("no story is called {name}")))?.name;
        self.begin()?;
        let log = Log::new();
        let as_expected = match name {
            "withheld" => withheld(self, &log),
            "no-slot" => no_slot(self, &log),
            "prot-none" => prot_none(self, &log),
            "rewrite" => rewrite(self, &log),
            _ => pause(self, &log),
        }?;
        Ok(log.told(name, self.level, as_expected))
    }
}

fn withhold(scene: &mut Scene) -> Result<Withheld, Problem> {
    let mapping = Arc::new(Mapping::new(0x1_0000).map_err(|error| failed("memory", error))?);
    let withheld = Withheld::new(&mapping).map_err(|error| {
        Problem::Unavailable(format!("userfaultfd: {error}; it takes root, or vm.unprivileged_userfaultfd = 1"))
    })?;
    scene.give(&mapping)?;
    Ok(withheld)
}

/// Runs a vCPU in a thread of its own, and hands it back with how it ended.
fn run(mut vcpu: Vcpu) -> mpsc::Receiver<(Vcpu, Exit)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let exit = vcpu.run();
        // nobody listens if the story has ended early
        let _ = sender.send((vcpu, exit));
    });
    receiver
}

fn ended(receiver: &mpsc::Receiver<(Vcpu, Exit)>) -> Result<(Vcpu, Exit), Problem> {
    receiver.recv_timeout(PATIENCE).map_err(|_| Problem::Failed("a vCPU did not come back".into()))
}

fn wanted(page: &Withheld) -> Result<u64, Problem> {
    let offset = page.wanted(PATIENCE).map_err(|error| failed("userfaultfd", error))?;
    offset.ok_or_else(|| Problem::Failed("nobody asked for the page".into()))
}

fn withheld(scene: &mut Scene, log: &Log) -> Result<bool, Problem> {
    let page = withhold(scene)?;
    let vcpu = take(scene)?;
    scene.set_out(&vcpu)?;
    log.say(format!("the vCPU executes AT S1E1R, {VA:#x}"));
    let running = run(vcpu);
    let offset = wanted(&page)?;
    log.say(format!("the host is asked for the page at IPA {:#x}: the last table", LAST + offset));
    thread::sleep(KEPT);
    let waits = running.try_recv().is_err();
    log.say(if waits { "the vCPU still waits" } else { "the vCPU did not wait" });
    page.supply(offset, &scene.last).map_err(|error| failed("UFFDIO_COPY", error))?;
    log.say("the page is supplied");
    let (vcpu, exit) = ended(&running)?;
    let par = par(&vcpu, &exit)?;
    log.say(format!("AT completes: PAR_EL1 = {par:#x}"));
    scene.vcpus.push(vcpu);
    Ok(waits && plain(par) == plain(scene.expected(false)))
}

fn take(scene: &mut Scene) -> Result<Vcpu, Problem> {
    scene.vcpus.pop().ok_or_else(|| Problem::Failed("no vCPU is left".into()))
}

fn no_slot(scene: &mut Scene, log: &Log) -> Result<bool, Problem> {
    let level = scene.level;
    let mut vcpu = take(scene)?;
    scene.set_out(&vcpu)?;
    log.say(format!("the vCPU executes AT S1E1R, {VA:#x}; its last table is where the VM has no memory"));
    sys::alarm(60);
    let exit = vcpu.run();
    sys::alarm(0);
    let right = match exit {
        Exit::Brk(guest::END) => {
            let par = vcpu.core(Core::X(0))?;
            log.say(format!("AT completes without an exception: PAR_EL1 = {par:#x}"));
            level != Level::El1 && par == UNREADABLE
        }
        Exit::Brk(vector) => {
            let esr = vcpu.get(SysReg::EsrEl1).unwrap_or(0);
            log.say(format!("the guest takes an External abort (vector {vector:#x}): ESR_EL1 = {esr:#x}"));
            // with the level of the walk, or, from older kernels, without
            level == Level::El1 && esr >> 26 == 0x25 && [0x10, 0x17].contains(&(esr & 0x3f))
        }
        other => return Err(Problem::Failed(format!("the guest ended otherwise: {other:?}"))),
    };
    scene.vcpus.push(vcpu);
    Ok(right)
}

fn prot_none(scene: &mut Scene, log: &Log) -> Result<bool, Problem> {
    let level = scene.level;
    let last = scene.present()?;
    let protect = |allowed| last.allow(allowed).map_err(|error| failed("mprotect", error));
    let mut vcpu = take(scene)?;
    scene.set_out(&vcpu)?;
    protect(false)?;
    log.say(format!("the vCPU executes AT S1E1R, {VA:#x}; the host may not touch its last table"));
    sys::alarm(60);
    let exit = vcpu.run();
    sys::alarm(0);
    let stopped = match exit {
        Exit::Fault => {
            let pc = vcpu.core(Core::Pc)?;
            log.say(format!("KVM_RUN fails with EFAULT, PC = {pc:#x}"));
            level == Level::El1
        }
        Exit::Brk(guest::END) => {
            let par = vcpu.core(Core::X(0))?;
            log.say(format!("AT completes without an exception: PAR_EL1 = {par:#x}"));
            scene.set_out(&vcpu)?;
            level != Level::El1 && par == UNREADABLE
        }
        other => return Err(Problem::Failed(format!("the guest ended otherwise: {other:?}"))),
    };
    protect(true)?;
    log.say("the host may touch it again, and the vCPU goes on");
    let exit = vcpu.run();
    let par = par(&vcpu, &exit)?;
    log.say(format!("AT completes: PAR_EL1 = {par:#x}"));
    scene.vcpus.push(vcpu);
    Ok(stopped && plain(par) == plain(scene.expected(false)))
}

/// At EL1 the AT executes again once it has its page, and meets the new tables. For a guest hypervisor Linux walks, and
/// has read the old entry before it waited: it ends with a translation that nobody may use any more.
fn rewrite(scene: &mut Scene, log: &Log) -> Result<bool, Problem> {
    let level = scene.level;
    let page = withhold(scene)?;
    let (first, second) = (take(scene)?, take(scene)?);
    scene.set_out(&first)?;
    scene.set_out_to_rewrite(&second)?;
    log.say(format!("vCPU 1 executes AT S1E1R, {VA:#x}"));
    let waiting = run(first);
    let offset = wanted(&page)?;
    log.say("vCPU 1 waits for the last table");
    let (second, exit) = ended(&run(second))?;
    if exit != Exit::Brk(guest::END) {
        return Err(Problem::Failed(format!("vCPU 2 ended otherwise: {exit:?}")));
    }
    let waits = waiting.try_recv().is_err();
    log.say("vCPU 2 has stored another table's address over it, and its DSB; TLBI VMALLE1IS; DSB are done");
    page.supply(offset, &scene.last).map_err(|error| failed("UFFDIO_COPY", error))?;
    log.say("the old table is supplied");
    let (first, exit) = ended(&waiting)?;
    let par = par(&first, &exit)?;
    let [old, new] = [false, true].map(|other| plain(scene.expected(other)) == plain(par));
    let by = if new { "the new tables" } else { "the old table, which TLBI and DSB had ended" };
    log.say(format!("AT of vCPU 1 completes: PAR_EL1 = {par:#x}, by {by}"));
    scene.vcpus.extend([second, first]);
    Ok(waits && if level == Level::El1 { new } else { old })
}

/// What the vCPUs' threads share.
struct Crew {
    pausing: AtomicBool,
    stopping: AtomicBool,
    /// How many have left the guest, and stay out.
    paused: AtomicUsize,
    /// How many complete batches there were, before and after the tables changed.
    batches: [AtomicUsize; 2],
    /// Answers that were not what the tables said at that time.
    wrong: AtomicUsize,
    changed: AtomicBool,
}

const BATCH: usize = 512;

fn pause(scene: &mut Scene, log: &Log) -> Result<bool, Problem> {
    scene.present()?;
    let vcpus = core::mem::take(&mut scene.vcpus);
    let expected = [false, true].map(|other| plain(scene.expected(other)));
    let crew = Crew {
        pausing: AtomicBool::new(false),
        stopping: AtomicBool::new(false),
        paused: AtomicUsize::new(0),
        batches: [AtomicUsize::new(0), AtomicUsize::new(0)],
        wrong: AtomicUsize::new(0),
        changed: AtomicBool::new(false),
    };
    let scene_ref = &*scene;
    let vcpus = thread::scope(|scope| {
        let (sender, threads) = mpsc::channel();
        let begun = Arc::new(Barrier::new(CREW + 1));
        let mut handles = Vec::new();
        for (number, vcpu) in vcpus.into_iter().enumerate() {
            let (sender, begun, crew, scene) = (sender.clone(), begun.clone(), &crew, scene_ref);
            handles.push(scope.spawn(move || {
                let _ = sender.send(Thread::current());
                begun.wait();
                work(crew, scene, vcpu, number, expected)
            }));
        }
        begun.wait();
        let threads: Vec<Thread> = threads.try_iter().collect();
        log.say(format!("{CREW} vCPUs execute ATs, in threads of their own"));
        let went = lead(&crew, scene_ref, &threads, log);
        crew.stopping.store(true, Ordering::SeqCst);
        crew.pausing.store(false, Ordering::SeqCst);
        threads.iter().for_each(|thread| thread.kick());
        let ends: Vec<_> = handles.into_iter().map(|handle| handle.join()).collect();
        went?;
        let failed = |_| Problem::Failed("a vCPU's thread failed".into());
        ends.into_iter().map(|end| end.map_err(failed)?).collect::<Result<Vec<Vcpu>, Problem>>()
    })?;
    scene.vcpus = vcpus;
    let [before, after] = [0, 1].map(|i| crew.batches[i].load(Ordering::SeqCst));
    let wrong = crew.wrong.load(Ordering::SeqCst);
    log.say(format!("{before} batches of {BATCH} before and {after} after, {wrong} wrong answers"));
    Ok(before > 0 && after > 0 && wrong == 0)
}

/// Lets them work, makes them pause, changes the tables, and lets them go on.
fn lead(crew: &Crew, scene: &Scene, threads: &[Thread], log: &Log) -> Result<(), Problem> {
    let until = |what: &str, done: &dyn Fn() -> bool, meanwhile: &dyn Fn()| {
        let begin = Instant::now();
        while !done() {
            if begin.elapsed() > PATIENCE {
                return Err(Problem::Failed(format!("the vCPUs do not {what}")));
            }
            meanwhile();
            thread::sleep(Duration::from_micros(100));
        }
        Ok(())
    };
    let count = |i: usize| crew.batches[i].load(Ordering::SeqCst);
    until("work", &|| count(0) >= 2 * CREW, &|| {})?;
    log.say("all are told to pause, and signalled");
    crew.pausing.store(true, Ordering::SeqCst);
    threads.iter().for_each(|thread| thread.kick());
    until("pause", &|| crew.paused.load(Ordering::SeqCst) == CREW, &|| {})?;
    log.say("each has acknowledged that it is out of the guest");
    scene.rewrite();
    crew.changed.store(true, Ordering::SeqCst);
    log.say("the tables are changed");
    crew.pausing.store(false, Ordering::SeqCst);
    until("go on", &|| crew.paused.load(Ordering::SeqCst) == 0, &|| {})?;
    log.say("all go on");
    until("work again", &|| count(1) >= 2 * CREW, &|| {})
}

/// One vCPU's thread: batches of ATs, until it is told to stop; out of the guest while it is told to pause.
fn work(crew: &Crew, scene: &Scene, mut vcpu: Vcpu, number: usize, expected: [u64; 2]) -> Result<Vcpu, Problem> {
    let data = scene.data();
    let place = DATA + 0x4000 * number as u64;
    let batch = guest::batch_entry(scene.fit.case.op).unwrap_or_default();
    while !crew.stopping.load(Ordering::SeqCst) {
        if crew.pausing.load(Ordering::SeqCst) {
            crew.paused.fetch_add(1, Ordering::SeqCst);
            while crew.pausing.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_micros(50));
            }
            crew.paused.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let changed = crew.changed.load(Ordering::SeqCst);
        // One AT by itself begins with forgetting what was translated before.
        scene.set_out(&vcpu)?;
        if finish(crew, &mut vcpu)? {
            (0..BATCH as u64).for_each(|i| data.write(place + 8 * i, VA));
            let registers = [(1, scene.fit.pc + place), (2, BATCH as u64)];
            start(&vcpu, scene.level, scene.fit.pc + batch, &registers)?;
            if finish(crew, &mut vcpu)? {
                let answers = (0..BATCH as u64).map(|i| plain(data.read(place + 8 * i)));
                let wrong = answers.filter(|&par| par != expected[usize::from(changed)]).count();
                crew.wrong.fetch_add(wrong, Ordering::SeqCst);
                crew.batches[usize::from(changed)].fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    Ok(vcpu)
}

/// Runs to the end; false where the vCPU was made to leave the guest before.
fn finish(crew: &Crew, vcpu: &mut Vcpu) -> Result<bool, Problem> {
    let stop = || crew.pausing.load(Ordering::SeqCst) || crew.stopping.load(Ordering::SeqCst);
    loop {
        match vcpu.run_unless(stop) {
            Exit::Brk(guest::END) => return Ok(true),
            Exit::Interrupted if stop() => return Ok(false),
            Exit::Interrupted => {}
            other => return Err(Problem::Failed(format!("the guest ended otherwise: {other:?}"))),
        }
    }
}
