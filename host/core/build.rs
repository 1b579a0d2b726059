//! Names the platform that policies are compiled for: that of the host itself.

#![allow(clippy::print_stdout, reason = "the way to talk to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").expect("cargo names the target to build scripts");
    println!("cargo::rustc-env=PROMOTE_TARGET={target}");
}
