//! `stagewalk-bindgen IN.wasm OUT_DIR`: writes the JavaScript module and the wasm that it loads into `OUT_DIR`.
//!
//! The same work as the `wasm-bindgen --target web` command, from the same library, at a fraction of its compile time.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [wasm, out] = args.as_slice() else {
        eprintln!("usage: stagewalk-bindgen IN.wasm OUT_DIR");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let web = bindgen.input_path(wasm).typescript(false).omit_default_module_path(false).web(true);
    match web.and_then(|bindgen| bindgen.generate(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stagewalk-bindgen: {wasm}: {error:?}");
            ExitCode::FAILURE
        }
    }
}
