use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateEncoder;
use std::io::Read as _;

fn edited() -> Link {
    Link {
        base: Some("stage2-hole".into()),
        op: Some(Op::S12E1W),
        el: Some(2),
        va: Some(u64::MAX),
        pan: Some(true),
        regs: [(SysReg::HcrEl2, 0x8000_0001), (SysReg::Ttbr0El1, u128::MAX)].into(),
        mem: [(0x8800_0000, 0), (0x8800_0008, u64::MAX)].into(),
        step: Some(7),
    }
}

#[test]
fn a_link_comes_back_whole() {
    let link = edited();
    let text = link.write();
    assert!(text.starts_with("v=1&s="), "{text}");
    assert!(text.len() < 300, "{} characters", text.len());
    assert_eq!(Link::read(&format!("#{text}")), Ok(Some(link)));
}

#[test]
fn links_can_be_written_by_hand() {
    let text = "#ex=story&va=0x4008_0123&op=s1e1r&el=EL2&step=3&reg=HCR_EL2:0x1&mem=0x1008:ff&pan=1";
    let link = Link::read(text).unwrap().unwrap();
    assert_eq!(link.base.as_deref(), Some("story"));
    assert_eq!((link.op, link.el, link.va, link.step), (Some(Op::S1E1R), Some(2), Some(0x4008_0123), Some(3)));
    assert_eq!(link.regs, [(SysReg::HcrEl2, 1)].into());
    assert_eq!(link.mem, [(0x1008, 0xff)].into());
    assert_eq!(link.pan, Some(true));
    assert_eq!(Link::read("#va=%30x10"), Ok(Some(Link { va: Some(0x10), ..Link::default() })));
}

#[test]
fn nothing_is_no_link() {
    assert_eq!(Link::read(""), Ok(None));
    assert_eq!(Link::read("#"), Ok(None));
}

#[test]
fn bad_links_say_what_is_wrong() {
    let complaint = |text: &str| Link::read(text).unwrap_err();
    assert!(complaint("#v=2&s=abcd").contains("version “2”"));
    assert!(complaint("#v=1&s=!!!").contains("damaged"));
    assert!(complaint("#v=1&s=AAAA").contains("damaged"));
    let whole = edited().write();
    assert!(complaint(&whole[..whole.len() / 2]).contains("damaged"));
    assert!(complaint("#va=12g").contains("“g”"));
    assert!(complaint("#op=S1E9R").contains("S1E9R"));
    assert!(complaint("#el=4").contains("0 to 3"));
    assert!(complaint("#step=0").contains("count from 1"));
    assert!(complaint("#reg=NOPE:1").contains("NOPE"));
    assert!(complaint("#reg=HCR_EL2").contains("NAME:VALUE"));
    assert!(complaint("#mem=0x1001:1").contains("multiple of 8"));
    assert!(complaint("#colour=red").contains("colour"));
}

#[test]
fn a_bomb_is_cut_off() {
    let mut deflated = Vec::new();
    let zeros = vec![b' '; 64 << 20];
    DeflateEncoder::new(zeros.as_slice(), Compression::best()).read_to_end(&mut deflated).unwrap();
    assert!(Link::read(&format!("v=1&s={}", URL_SAFE_NO_PAD.encode(deflated))).is_err());
}
