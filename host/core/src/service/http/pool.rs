//! The transport of production: a connection pool of reqwest over rustls and ring.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use http::Uri;

use crate::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};

/// The largest answer: a recursive tree listing of GitHub ends at 7 MB.
const LARGEST: usize = 16 * 1024 * 1024;

/// A connection pool. It follows no redirect, so no credential goes where the client did not send it.
///
/// A proxy of the environment gets what leaves the machine, never what stays on it: who may set a variable must not read
/// what a service on loopback is told.
#[derive(Clone, Debug)]
pub struct Pool {
    outside: reqwest::Client,
    loopback: reqwest::Client,
}

impl Pool {
    /// Opens a pool. GitHub cuts a request off after 10 seconds, so half a minute of silence is an end as well.
    ///
    /// Fails if the TLS set-up of the machine cannot be used.
    pub fn new() -> Result<Self, reqwest::Error> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(Duration::from_secs(30))
                .timeout(Duration::from_secs(60))
                .pool_idle_timeout(Duration::from_secs(20))
        };
        Ok(Self {
            outside: builder().build()?,
            loopback: builder().no_proxy().build()?,
        })
    }

    fn client_for(&self, uri: &Uri) -> &reqwest::Client {
        if is_loopback(uri) {
            &self.loopback
        } else {
            &self.outside
        }
    }
}

/// Returns whether a URI is of this machine (RFC 6761, section 6.3, for the name).
fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

#[async_trait]
impl Transport for Pool {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let client = self.client_for(request.uri());
        let request = request.try_into().map_err(no_answer)?;
        let mut response = client.execute(request).await.map_err(no_answer)?;
        let mut answer = HttpResponse::default();
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if answer.body().len() + chunk.len() > LARGEST {
                return Err(TransportError::TooLarge(LARGEST));
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// Tells a request that never left from one whose answer is missing. The URL is left out: the client names the call.
fn no_answer(error: reqwest::Error) -> TransportError {
    let never_sent = error.is_connect() || error.is_builder();
    // The errors around it only repeat that a request was sent.
    let text = anyhow::Error::new(error.without_url())
        .root_cause()
        .to_string();
    if never_sent {
        TransportError::Connect(text)
    } else {
        TransportError::Lost(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let cases = [
            ("http://127.0.0.1:80/v1", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:80/", true),
            ("http://LocalHost/", true),
            ("http://localhost.example/", false),
            ("http://127.0.0.1.example/", false),
            ("http://10.0.0.1/", false),
            ("https://api.github.com/", false),
        ];
        for (uri, expected) in cases {
            let parsed = uri.parse().expect("a URI");
            assert_eq!(is_loopback(&parsed), expected, "{uri}");
        }
    }

    /// Serves one answer, packed with gzip, on loopback, and returns its address.
    fn serve(text: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text).expect("memory");
        let packed = packer.finish().expect("memory");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            assert!(head.contains("accept-encoding: gzip"), "{head}");
            let length = packed.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
            );
            // Who takes no more of a large answer closes the connection.
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&packed);
        });
        format!("http://{address}/")
    }

    async fn fetch(address: &str) -> Result<HttpResponse, TransportError> {
        let request = HttpRequest::new(Vec::new());
        let (mut parts, body) = request.into_parts();
        parts.uri = address.parse().expect("a URI");
        let pool = Pool::new().expect("a pool");
        pool.send(HttpRequest::from_parts(parts, body)).await
    }

    #[tokio::test]
    async fn packed_answers_are_unpacked_and_no_larger_than_others() {
        let text = "[1]".repeat(1000);
        let answer = fetch(&serve(text.as_bytes())).await.expect("an answer");
        assert_eq!(answer.body(), text.as_bytes());
        assert!(answer.headers().get("content-encoding").is_none());
        let bomb = fetch(&serve(&vec![b' '; LARGEST + 1])).await;
        assert!(
            matches!(bomb, Err(TransportError::TooLarge(LARGEST))),
            "{bomb:?}"
        );
    }
}
