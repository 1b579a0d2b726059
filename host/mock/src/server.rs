//! Serves a world over HTTP on loopback: one listener for both services, since all of Port's routes are under `/v1`.
//!
//! It adds a socket to [`World::handle`] and nothing else: no route, no rule, no state of its own. Time in a served world is
//! the system's, because the clients on the other side of the socket live in it; only a scenario, whose client has the
//! world's clock, keeps the world's.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use promote_core::service::transport::HttpRequest;

#[cfg(doc)]
use super::World;
use super::{ConnectionCut, RequestRecord, ServiceName, SharedWorld};

/// The largest body that is read, for either service; Port has a smaller limit of its own.
pub const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// The time that a graceful stop gives to requests that are under way.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// A function that is told of each request after its answer.
pub type RequestObserver = Arc<dyn Fn(&RequestRecord) + Send + Sync>;

/// The choices of whoever serves a world.
#[derive(Clone, Default)]
pub struct ServerOptions {
    /// The time that each answer takes, as over a real network.
    pub latency: Duration,
    /// The function that is told of each request after its answer.
    pub observer: Option<RequestObserver>,
    /// The clock of the served world.
    pub time: ServerTime,
}

/// The clock of a served world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerTime {
    /// The system's: the world's present moves there, and goes on with it.
    #[default]
    System,
    /// The world's own: it moves by delays, and by whoever holds the world's clock.
    World,
}

/// Why a world is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can be reached from other machines, and a mock must be reachable from its own machine only.
    #[error("{0} is not a loopback address; the mock listens on 127.0.0.1 or [::1] only")]
    NotLoopback(SocketAddr),
    /// The system refuses the address, for instance because another program uses it.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] std::io::Error),
}

/// A world that is being served. Dropping it closes the listener and cuts every connection.
#[derive(Debug)]
pub struct WorldServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accept_loop: JoinHandle<()>,
}

impl WorldServer {
    /// Serves a world on a loopback address; port 0 takes a free one. The world's present becomes that of the system, unless
    /// the options say otherwise.
    ///
    /// Fails if the address is not of this machine alone, or is taken.
    pub async fn start(
        world: SharedWorld,
        listen: SocketAddr,
        options: ServerOptions,
    ) -> Result<Self, ServerError> {
        if !listen.ip().is_loopback() {
            return Err(ServerError::NotLoopback(listen));
        }
        let bind = |error| ServerError::Bind(listen, error);
        let listener = TcpListener::bind(listen).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        if options.time == ServerTime::System {
            world.lock().rebase(Timestamp::now());
        }
        let (stop, stopped) = watch::channel(false);
        let accept_loop = tokio::spawn(accept_connections(listener, stopped, world, options));
        Ok(Self {
            address,
            stop,
            accept_loop,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of both services.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops: no new connection, and those that are open end after the request that they are at.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // The task ends by itself within the grace. If it was aborted, it has ended as well.
        let _ = (&mut self.accept_loop).await;
    }
}

impl Drop for WorldServer {
    fn drop(&mut self) {
        self.accept_loop.abort();
    }
}

async fn accept_connections(
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
    world: SharedWorld,
    options: ServerOptions,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept that fails (out of descriptors) is that client's loss, not the server's end.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve_connection(stream, stopped.clone(), world.clone(), options.clone()));
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    // Dropping the set cuts the connections that are left by then.
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

/// Serves one connection, with as many requests as the client sends over it.
async fn serve_connection(
    stream: TcpStream,
    mut stopped: watch::Receiver<bool>,
    world: SharedWorld,
    options: ServerOptions,
) {
    // Small answers must not wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, &world, &options));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // A connection that fails is over, and no client is left to tell.
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Answers one request, or fails with the cut that hyper turns into a closed socket.
async fn answer(
    request: http::Request<Incoming>,
    world: &SharedWorld,
    options: &ServerOptions,
) -> Result<http::Response<Full<Bytes>>, CutConnection> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
        Err(_) => return Err(CutConnection),
    };
    let request = HttpRequest::from_parts(parts, body.to_vec());
    let (answer, seen, delay) = {
        let mut world = world.lock();
        if options.time == ServerTime::System {
            world.advance_to(Timestamp::now());
        }
        let answer = world.handle(ServiceName::of_path(request.uri().path()), &request);
        let delay = match options.time {
            ServerTime::System => answer.delay,
            ServerTime::World => {
                world.advance(answer.delay);
                Duration::ZERO
            }
        };
        (answer, world.seen.last().cloned(), delay)
    };
    tokio::time::sleep(options.latency + delay).await;
    if let (Some(observer), Some(seen)) = (&options.observer, &seen) {
        observer(seen);
    }
    match answer.result {
        Ok(response) => Ok(response.map(|body| Full::new(Bytes::from(body)))),
        Err(ConnectionCut::Refused | ConnectionCut::Before | ConnectionCut::After) => {
            Err(CutConnection)
        }
    }
}

fn too_large() -> http::Response<Full<Bytes>> {
    let mut response = http::Response::default();
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// Makes hyper close the socket without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct CutConnection;
