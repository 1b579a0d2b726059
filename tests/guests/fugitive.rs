//! Reaches for one thing outside the sandbox through WASI, and says what it got. Its setting `deed` says for what.

use std::{env, fs};

use contract::{Failure, Outcome, Policy, Promotion, Request};
use wasi::wasi::random::random::get_random_bytes;
use wasi::wasi::sockets::instance_network::instance_network;
use wasi::wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::wasi::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasi::wasi::sockets::{tcp_create_socket, udp_create_socket};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    dead_code,
    clippy::all,
    reason = "generated"
)]
mod wasi {
    promote_guests::wit_bindgen::generate!({
        path: "wasi.wit",
        world: "reach",
        runtime_path: "promote_guests::wit_bindgen::rt",
        generate_all,
    });
}

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let got = match steps::deed(&request) {
            "read a file" => said(fs::read_to_string("/etc/passwd").map(|_| ())),
            "read the configuration" => said(fs::read_to_string("promote.toml").map(|_| ())),
            "read the processes" => said(fs::read_to_string("/proc/self/environ").map(|_| ())),
            "climb" => said(fs::read_to_string("../../../../etc/passwd").map(|_| ())),
            "list a folder" => said(fs::read_dir("/").map(|_| ())),
            "write a file" => said(fs::write("/tmp/promote-was-here", "x")),
            "make a folder" => said(fs::create_dir_all("/tmp/promote-was-there")),
            "remove a file" => said(fs::remove_file("promote.toml")),
            "variables" => format!("{} variables", env::vars_os().count()),
            "arguments" => format!("{} arguments", env::args_os().count()),
            "input" => format!(
                "{:?}",
                std::io::read_to_string(std::io::stdin()).unwrap_or_default()
            ),
            "tcp" => tcp(),
            "udp" => said(udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4).map(|_| ())),
            "names" => said(resolve_addresses(&instance_network(), "localhost").map(|_| ())),
            "randomness" => format!("{} bytes", get_random_bytes(64 << 20).len()),
            "handles" => {
                let handles: Vec<_> = (0..1_500_000).map(|_| instance_network()).collect();
                format!("{} handles", handles.len())
            }
            _ => "nothing asked".to_owned(),
        };
        steps::refused(format!("got {got}"))
    }
}

fn said<E: std::fmt::Debug>(answer: Result<(), E>) -> String {
    answer.map_or_else(|error| format!("no: {error:?}"), |()| "in".to_owned())
}

/// To a port of the machine itself, where there may well be somebody.
fn tcp() -> String {
    let socket = match tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4) {
        Ok(socket) => socket,
        Err(error) => return format!("no: {error:?}"),
    };
    let here = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: 80,
        address: (127, 0, 0, 1),
    });
    said(socket.start_connect(&instance_network(), here))
}
